//! Reviews as kube-apiserver sends them: the order of its encoder, with everything that a rule never reads.

use serde_json::{Map, Value, json};

/// What tells one review from another.
struct Kind {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    resource: &'static str,
}

/// The envelope around an object that is being created. Spelt out, for the order of members is part of the cost.
fn review(kind: &Kind, name: &str, namespace: &str, user: &Value, object: &Value) -> String {
    let Kind { group, version, kind, resource } = kind;
    let gvk = format!(r#"{{"group":"{group}","version":"{version}","kind":"{kind}"}}"#);
    let gvr = format!(r#"{{"group":"{group}","version":"{version}","resource":"{resource}"}}"#);
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"0df28fbd-5f5f-11e8-bc74-36e6bb280816","kind":{gvk},"resource":{gvr},"requestKind":{gvk},"requestResource":{gvr},"name":"{name}","namespace":"{namespace}","operation":"CREATE","userInfo":{user},"object":{object},"oldObject":null,"dryRun":false,"options":{{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}}}}"#
    )
}

fn service_account(namespace: &str, name: &str) -> Value {
    json!({
        "username": format!("system:serviceaccount:{namespace}:{name}"),
        "uid": "9f6a0d6c-8c8f-4c0e-b1b4-3f6f8d4a52c1",
        "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
        "extra": {"authentication.kubernetes.io/credential-id": ["JTI=0b2c6e0a-52a6-4a8e-9d0e-6c4a3a1f7f10"]},
    })
}

/// The fields of an object as `managedFields` lists them.
fn managed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let fields = members.iter().map(|(name, value)| (format!("f:{name}"), managed(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => {
            let named = items.iter().filter_map(|item| {
                let name = item.get("name")?;
                let mut fields = match managed(item) {
                    Value::Object(fields) => fields,
                    _ => Map::new(),
                };
                fields.insert(".".to_owned(), json!({}));
                Some((format!(r#"k:{{"name":{name}}}"#), Value::Object(fields)))
            });
            Value::Object(named.collect())
        }
        _ => json!({}),
    }
}

fn with_managed_fields(mut object: Value, manager: &str) -> Value {
    let fields = json!({
        "f:metadata": {"f:labels": managed(&object["metadata"]["labels"])},
        "f:spec": managed(&object["spec"]),
    });
    object["metadata"]["managedFields"] = json!([{
        "manager": manager, "operation": "Update", "apiVersion": object["apiVersion"],
        "time": "2025-11-20T09:12:44Z", "fieldsType": "FieldsV1", "fieldsV1": fields,
    }]);
    object
}

fn probe(path: &str, period: u32) -> Value {
    json!({
        "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
        "initialDelaySeconds": 5, "timeoutSeconds": 2, "periodSeconds": period, "successThreshold": 1,
        "failureThreshold": 3,
    })
}

fn container(name: &str, image: &str, env: &[(&str, &str)]) -> Value {
    let env: Vec<Value> = env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": env,
        "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/checkout", "readOnly": true},
            {"name": "cache", "mountPath": "/var/cache/checkout"},
            {
                "name": "kube-api-access-x7k2p",
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                "readOnly": true,
            },
        ],
        "livenessProbe": probe("/healthz", 10),
        "readinessProbe": probe("/ready", 5),
        "startupProbe": probe("/healthz", 2),
        "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true,
            "runAsNonRoot": true, "runAsUser": 10001,
        },
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/checkout", "drain", "--timeout=20s"]}}},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    })
}

const ENV: [(&str, &str); 14] = [
    ("CHECKOUT_LISTEN", "0.0.0.0:8080"),
    ("CHECKOUT_DATABASE_HOST", "postgres-primary.data.svc.cluster.local"),
    ("CHECKOUT_DATABASE_NAME", "checkout"),
    ("CHECKOUT_DATABASE_POOL_SIZE", "16"),
    ("CHECKOUT_PAYMENTS_URL", "http://payments.shop.svc.cluster.local:8080/v2"),
    ("CHECKOUT_INVENTORY_URL", "http://inventory.shop.svc.cluster.local:8080"),
    ("CHECKOUT_CART_TTL", "45m"),
    ("CHECKOUT_FEATURES", "express,gift-cards,split-payments"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel-collector.observability.svc.cluster.local:4317"),
    ("OTEL_SERVICE_NAME", "checkout"),
    ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop,deployment.environment=production"),
    ("LOG_LEVEL", "info"),
    ("LOG_FORMAT", "json"),
    ("GOMAXPROCS", "2"),
];

fn pod_spec() -> Value {
    json!({
        "volumes": [
            {"name": "config", "configMap": {"name": "checkout", "defaultMode": 420}},
            {"name": "cache", "emptyDir": {"sizeLimit": "256Mi"}},
            {
                "name": "kube-api-access-x7k2p",
                "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"downwardAPI": {"items": [
                        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
                    ]}},
                ]},
            },
        ],
        "containers": [container("checkout", "registry.example.com/shop/checkout:2.14.3", &ENV)],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "checkout",
        "serviceAccount": "checkout",
        "securityContext": {"fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "schedulerName": "default-scheduler",
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
        ],
        "imagePullSecrets": [{"name": "registry-example-com"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 100,
            "podAffinityTerm": {
                "topologyKey": "kubernetes.io/hostname",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "checkout"}},
            },
        }]}},
        "topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "checkout"}},
        }],
        "priority": 0,
        "enableServiceLinks": true,
        "preemptionPolicy": "PreemptLowerPriority",
    })
}

/// A Pod as a ReplicaSet creates it, in the mesh and without fault.
pub(crate) fn pod() -> String {
    pod_of(json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "checkout-5d8f7c9b6d",
        "uid": "c9b1d8a4-6c0f-4b53-8a6e-9a7d2f6f1e55", "controller": true, "blockOwnerDeletion": true,
    }]))
}

/// The same of nobody's: judged by itself.
pub(crate) fn bare_pod() -> String {
    pod_of(json!([]))
}

fn pod_of(owners: Value) -> String {
    let labels = json!({
        "app.kubernetes.io/name": "checkout", "app.kubernetes.io/version": "2.14.3",
        "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "Helm", "app": "checkout",
        "version": "v2", "pod-template-hash": "5d8f7c9b6d", "team": "payments",
    });
    let pod = json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": "checkout-5d8f7c9b6d-q8x2v",
            "generateName": "checkout-5d8f7c9b6d-",
            "namespace": "shop",
            "uid": "3d9c2f1e-8a57-4f1c-9f67-0a6b7d1b2c33",
            "creationTimestamp": "2025-11-20T09:12:44Z",
            "labels": labels,
            "annotations": {
                "checksum/config": "a6b1f3c2d4e5968778695a4b3c2d1e0f9a8b7c6d5e4f30211203f4e5d6c7b8a9",
                "prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/metrics",
            },
            "ownerReferences": owners,
        },
        "spec": pod_spec(),
        "status": {"phase": "Pending", "qosClass": "Burstable"},
    });
    let pod = with_managed_fields(pod, "kube-controller-manager");
    let kind = Kind { group: "", version: "v1", kind: "Pod", resource: "pods" };
    let user = service_account("kube-system", "replicaset-controller");
    review(&kind, "checkout-5d8f7c9b6d-q8x2v", "shop", &user, &pod)
}

/// The same in a review of a kind that no policy reads.
pub(crate) fn unread() -> String {
    pod().replace(r#""kind":"Pod""#, r#""kind":"Lod""#)
}

/// An EnvoyFilter outside `istio-config` that puts Lua in front of some workloads: denied.
pub(crate) fn envoy_filter() -> String {
    envoy_filter_in("shop")
}

/// The same where it belongs: allowed.
pub(crate) fn envoy_filter_in_place() -> String {
    envoy_filter_in("istio-config")
}

fn envoy_filter_in(namespace: &str) -> String {
    let lua = "function envoy_on_request(handle)\n  local id = handle:headers():get(\"x-request-id\")\n  if id == nil \
               then\n    handle:headers():add(\"x-request-id\", \"none\")\n  end\nend\n";
    let patch = json!({
        "applyTo": "HTTP_FILTER",
        "match": {
            "context": "SIDECAR_INBOUND",
            "listener": {"filterChain": {"filter": {
                "name": "envoy.filters.network.http_connection_manager",
                "subFilter": {"name": "envoy.filters.http.router"},
            }}},
        },
        "patch": {
            "operation": "INSERT_BEFORE",
            "value": {
                "name": "envoy.filters.http.lua",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                    "defaultSourceCode": {"inlineString": lua},
                },
            },
        },
    });
    let spec = json!({"priority": 10, "workloadSelector": {"labels": {"app": "cart"}}, "configPatches": [patch]});
    let filter = json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {
            "name": "lua-everywhere",
            "namespace": namespace,
            "uid": "1b6d0a55-0f4a-4dd7-8a9f-2d6a1f0e9c41",
            "generation": 1,
            "creationTimestamp": "2025-11-20T09:12:44Z",
            "labels": {"team": "payments"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": format!("{}\n", json!({
                "apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
                "metadata": {"annotations": {}, "name": "lua-everywhere", "namespace": namespace},
                "spec": spec,
            }))},
        },
        "spec": spec,
    });
    let filter = with_managed_fields(filter, "kubectl-client-side-apply");
    let kind =
        Kind { group: "networking.istio.io", version: "v1alpha3", kind: "EnvoyFilter", resource: "envoyfilters" };
    let user = json!({"username": "alice@example.com", "groups": ["payments", "system:authenticated"]});
    review(&kind, "lua-everywhere", namespace, &user, &filter)
}
