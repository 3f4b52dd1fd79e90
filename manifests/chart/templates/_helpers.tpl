{{- define "vigla.labels" -}}
{{ include "vigla.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "vigla.selector" -}}
app.kubernetes.io/name: vigla
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "vigla.secret" -}}
{{ .Values.certificates.secretName | default (printf "%s-tls" .Release.Name) }}
{{- end }}

{{- define "vigla.image" -}}
{{- with .Values.image -}}
{{- if not .repository }}{{ fail "image.repository: no image is published; build one from the Dockerfile, push it, and name it here" }}{{ end -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- define "vigla.opsPort" -}}
{{ if .Values.clients.ca }}{{ .Values.opsPort }}{{ else }}{{ .Values.port }}{{ end }}
{{- end }}
