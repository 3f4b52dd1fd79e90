//! The table of Istio's annotations and labels, which is written from a list with
//! `VIGLA_GENERATE=1 cargo test --test annotations`, else compared.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

use std::path::Path;

/// What the columns of `data/istio-annotations.tsv` are called there.
const COLUMNS: &str = "type\tname\tstatus\tdeprecated\tresources";

const TABLE: &str = "src/mesh/annotation/table.rs";

/// The module that the list makes.
fn table(list: &str) -> String {
    let mut source = String::new();
    let (mut annotations, mut labels) = (Vec::new(), Vec::new());
    for line in list.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        match *columns.as_slice() {
            _ if line == COLUMNS => {}
            [comment] => source += &comment.replacen('#', "//!", 1),
            [kind, name, status, deprecated, kinds] => {
                let deprecated = deprecated == "True";
                let kinds: Vec<_> = kinds.split(',').collect();
                let row = format!(
                    "    Known {{ name: {name:?}, status: {status:?}, deprecated: {deprecated}, kinds: &{kinds:?} }},\n"
                );
                let list = if kind == "label" { &mut labels } else { &mut annotations };
                list.push((name, row));
            }
            _ => panic!("`{line}` has other columns than {COLUMNS:?}"),
        }
        if line.starts_with('#') {
            source.push('\n');
        }
    }
    source += "//!\n//! Written by `VIGLA_GENERATE=1 cargo test --test annotations`.\n\nuse super::Known;\n";
    for (doc, name, mut rows) in [("annotations", "ANNOTATIONS", annotations), ("labels", "LABELS", labels)] {
        rows.sort_unstable();
        let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        source += &format!("\n/// Istio's {doc}, by name.\n#[rustfmt::skip]\n");
        source += &format!("pub static {name}: [Known; {}] = [\n{}];\n", rows.len(), rows.concat());
    }
    source
}

#[test]
fn the_table_of_annotations_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(root.join("tests/data/istio-annotations.tsv")).expect("the list");
    let table = table(&list);
    if std::env::var_os("VIGLA_GENERATE").is_some() {
        std::fs::write(root.join(TABLE), &table).expect("a file that can be written");
    }
    let found = std::fs::read_to_string(root.join(TABLE)).unwrap_or_default();
    assert!(found == table, "{TABLE} is stale: VIGLA_GENERATE=1 cargo test --test annotations");
}
