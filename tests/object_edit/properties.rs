//! For any object and any edits: patch and overlay agree, whatever the order.

use json_patch::jsonptr::PointerBuf;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};
use vigla::object::{Edit, conflicting, overlay, patch, read_object};

/// Few names, so that paths meet what is there; some that mean something to a list or to the reader.
const NAMES: [&str; 13] = ["a", "b", "a/b", "m~n", "~1", "", "0", "1", "01", "-", "status", "metadata", "annotations"];

fn name() -> impl Strategy<Value = String> {
    select(&NAMES[..]).prop_map(str::to_owned)
}

/// What the reader leaves out.
const UNREAD: [&str; 3] =
    ["/status", "/metadata/managedFields", "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"];

/// An object that has what the reader leaves out.
fn veiled() -> impl Strategy<Value = Value> {
    let with = |mut map: Map<_, _>, name: &str, value| {
        map.insert(name.to_owned(), value);
        map
    };
    (members(value()), members(value()), members(value()), value()).prop_map(
        move |(object, metadata, annotations, unread)| {
            let applied = "kubectl.kubernetes.io/last-applied-configuration";
            let annotations = with(annotations, applied, unread.clone());
            let metadata = with(metadata, "annotations", annotations.into());
            let metadata = with(metadata, "managedFields", unread.clone());
            with(with(object, "metadata", metadata.into()), "status", unread).into()
        },
    )
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        2 => (0..3_i64).prop_map(Value::from),
        1 => Just(Value::from(1.5)),
        1 => any::<bool>().prop_map(Value::from),
        1 => "\\PC{0,2}".prop_map(Value::from),
    ]
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map(name(), value, 0..6).prop_map(|map| map.into_iter().collect())
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![2 => members(inner.clone()).prop_map(Value::from), 1 => proptest::collection::vec(inner, 0..4).prop_map(Value::from)]
    })
}

/// A path of which the first part is often one that leads somewhere.
#[derive(Clone, Debug)]
struct Wish {
    along: Option<Index>,
    more: Vec<String>,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Set(Value),
    Keep,
    Remove,
    Append(Value),
}

fn wish() -> impl Strategy<Value = Wish> {
    let more = prop_oneof![
        2 => Just(Vec::new()),
        2 => proptest::collection::vec(name(), 1..2),
        1 => proptest::collection::vec(name(), 0..4),
    ];
    let change = prop_oneof![
        4 => value().prop_map(Change::Set),
        1 => Just(Change::Keep),
        2 => Just(Change::Remove),
        2 => leaf().prop_map(Change::Append),
    ];
    (proptest::option::weighted(0.8, any::<Index>()), more, change).prop_map(|(along, more, change)| Wish {
        along,
        more,
        change,
    })
}

/// All paths in a value but the empty one.
fn paths(value: &Value, at: &PointerBuf, found: &mut Vec<PointerBuf>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, member)| (name.clone(), member)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (token, member) in below {
        let path = at.with_trailing_token(token);
        paths(member, &path, found);
        found.push(path);
    }
}

fn edit(object: &Value, known: &[PointerBuf], wish: Wish) -> Edit {
    let mut path = wish.along.filter(|_| !known.is_empty()).map(|at| at.get(known).clone()).unwrap_or_default();
    wish.more.into_iter().for_each(|token| path.push_back(token));
    if path.is_root() {
        path.push_back("a");
    }
    match wish.change {
        Change::Set(value) => Edit::Set { path, value },
        Change::Keep => Edit::Set { value: path.resolve(object).cloned().unwrap_or_default(), path },
        Change::Remove => Edit::Remove { path },
        Change::Append(value) => Edit::Append { path, value },
    }
}

/// An object without what no rule reads, and edits many of which meet it.
fn case() -> impl Strategy<Value = (Value, Vec<Edit>)> {
    (members(value()), proptest::collection::vec(wish(), 0..5)).prop_map(|(object, wishes)| {
        let object = read_object(&Value::from(object).to_string()).expect("JSON").root().to_json();
        let mut known = Vec::new();
        paths(&object, &PointerBuf::new(), &mut known);
        let edits = wishes.into_iter().map(|wish| edit(&object, &known, wish)).collect();
        (object, edits)
    })
}

fn laid(object: &Value, edits: &[Edit]) -> Option<Value> {
    let text = object.to_string();
    let tree = read_object(&text).expect("JSON");
    overlay(tree.root(), edits).ok().map(|tree| tree.root().to_json())
}

fn is_append(edit: &Edit) -> bool {
    matches!(edit, Edit::Append { .. })
}

fn parts(edit: &Edit) -> (Vec<String>, &Edit) {
    let (Edit::Set { path, .. } | Edit::Remove { path } | Edit::Append { path, .. }) = edit;
    (path.tokens().map(|token| token.decoded().into_owned()).collect(), edit)
}

fn is_index(token: &str) -> bool {
    token == "0" || (token.starts_with(|digit| ('1'..='9').contains(&digit)) && token.parse::<usize>().is_ok())
}

/// What the design says of two edits, one sentence a line.
fn contradict(a: &Edit, b: &Edit) -> bool {
    let ((upper, above), (lower, below)) = (parts(a), parts(b));
    if upper.len() > lower.len() {
        return contradict(b, a);
    }
    if !lower.starts_with(&upper) {
        return false;
    }
    match lower.get(upper.len()) {
        None => above != below && !(is_append(above) && is_append(below)),
        Some(token) => !(is_append(above) && is_index(token)),
    }
}

proptest! {
    #[test]
    fn the_applied_patch_is_the_overlay((object, edits) in case()) {
        let text = object.to_string();
        let tree = read_object(&text).expect("JSON");
        match (patch(tree.root(), &edits), overlay(tree.root(), &edits)) {
            (Ok(patch), Ok(laid)) => {
                let mut applied = object.clone();
                json_patch::patch(&mut applied, &patch).expect("an applicable patch");
                prop_assert_eq!(&applied, &laid.root().to_json());
                prop_assert_eq!(patch.is_empty(), applied == object);
                let again = read_object(&serde_json::to_string(&laid.root()).expect("JSON")).expect("JSON").root().to_json();
                prop_assert_eq!(again, applied);
            }
            (Err(patch), Err(laid)) => prop_assert_eq!(patch, laid),
            (patch, laid) => prop_assert!(false, "{:?} and {:?}", patch, laid.map(|tree| tree.root().to_json())),
        }
    }

    #[test]
    fn patching_the_result_changes_nothing((object, mut edits) in case()) {
        edits.retain(|edit| !is_append(edit));
        let text = object.to_string();
        let tree = read_object(&text).expect("JSON");
        if let Ok(once) = overlay(tree.root(), &edits) {
            prop_assert_eq!(patch(once.root(), &edits).expect("a patch").0, []);
            prop_assert_eq!(overlay(once.root(), &edits).expect("a tree").root().to_json(), once.root().to_json());
        }
    }

    #[test]
    fn the_order_of_edits_is_that_of_appended_items((object, edits) in case(), seed in any::<u64>()) {
        let mut shuffled: Vec<_> = edits.iter().filter(|edit| !is_append(edit)).cloned().collect();
        if !shuffled.is_empty() {
            let middle = seed as usize % shuffled.len();
            shuffled.rotate_left(middle);
        }
        if seed % 2 == 0 {
            shuffled.reverse();
        }
        let (appends, rest): (Vec<_>, Vec<_>) = edits.into_iter().partition(is_append);
        let ordered = [&appends[..], &rest].concat();
        let other = [&shuffled[..], &appends].concat();
        let text = object.to_string();
        let tree = read_object(&text).expect("JSON");
        prop_assert_eq!(patch(tree.root(), &ordered).ok(), patch(tree.root(), &other).ok());
        prop_assert_eq!(laid(&object, &ordered), laid(&object, &other));
    }

    #[test]
    fn conflicts_are_those_of_pairs((object, edits) in case(), size in 1..4_usize) {
        // what fits no object is refused whatever the others are
        let mut edits = edits;
        edits.retain(|edit| conflicting([std::slice::from_ref(edit)]).is_empty());
        let sets: Vec<&[Edit]> = edits.chunks(size).collect();
        let contradicted = |edit: &Edit| edits.iter().any(|other| contradict(edit, other));
        let expected = sets.iter().enumerate().filter(|(_, set)| set.iter().any(contradicted)).map(|(at, _)| at).collect();
        prop_assert_eq!(conflicting(sets), expected);
        if edits.iter().any(contradicted) {
            prop_assert_eq!(laid(&object, &edits), None);
        }
    }

    #[test]
    fn what_is_not_read_stays(object in veiled(), wishes in proptest::collection::vec(wish(), 0..4)) {
        let mut known = Vec::new();
        paths(&object, &PointerBuf::new(), &mut known);
        let edits: Vec<_> = wishes.into_iter().map(|wish| edit(&object, &known, wish)).collect();
        let text = object.to_string();
        let tree = read_object(&text).expect("JSON");
        if let Ok(patch) = patch(tree.root(), &edits) {
            let mut applied = object.clone();
            json_patch::patch(&mut applied, &patch).expect("an applicable patch");
            for path in UNREAD {
                prop_assert_eq!(applied.pointer(path), object.pointer(path), "{}", path);
            }
            let read = read_object(&applied.to_string()).expect("JSON").root().to_json();
            prop_assert_eq!(Some(read), laid(&object, &edits));
        }
    }
}

/// Any tokens, and now and then far too many of them.
fn tokens() -> impl Strategy<Value = Vec<String>> {
    let token = "\\PC{0,3}|[0-9]{1,30}|-";
    prop_oneof![
        9 => proptest::collection::vec(token, 0..5),
        1 => (token, 100..300_usize).prop_map(|(token, times)| vec![token; times]),
    ]
}

proptest! {
    #[test]
    fn any_pointer_is_answered(
        object in value(),
        tokens in proptest::collection::vec(tokens(), 0..4),
        new in value(),
        turn in 0..3_usize,
    ) {
        let text = object.to_string();
        let tree = read_object(&text).expect("JSON");
        let edit = |(n, tokens): (usize, &Vec<String>)| {
            let path = PointerBuf::from_tokens(tokens);
            match (n + turn) % 3 {
                0 => Edit::Set { path, value: new.clone() },
                1 => Edit::Append { path, value: new.clone() },
                _ => Edit::Remove { path },
            }
        };
        let edits: Vec<_> = tokens.iter().enumerate().map(edit).collect();
        prop_assert_eq!(patch(tree.root(), &edits).err(), overlay(tree.root(), &edits).err());
        let _ = conflicting([&edits[..], &edits]);
    }
}
