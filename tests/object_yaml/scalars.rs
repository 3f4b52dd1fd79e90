//! What scalars and keys mean in YAML: the facts are those of `sigs.k8s.io/yaml` 1.6 over `go.yaml.in/yaml/v2` 2.4.

use super::meaning;

fn assert_values(table: &[(&str, &str)]) {
    for (yaml, json) in table {
        assert_eq!(meaning(&format!("a: {yaml}\n")), format!("{{\"a\":{json}}}"), "`{yaml}`");
        assert_eq!(meaning(&format!("[{yaml}]")), format!("[{json}]"), "`{yaml}` in a flow");
    }
}

fn assert_strings(table: &[&str]) {
    for text in table {
        assert_eq!(meaning(&format!("a: {text}\n")), format!("{{\"a\":\"{text}\"}}"));
    }
}

#[test]
fn reads_booleans_and_nulls_of_yaml_1_1() {
    for word in "y Y yes Yes YES true True TRUE on On ON".split(' ') {
        assert_values(&[(word, "true")]);
    }
    for word in "n N no No NO false False FALSE off Off OFF".split(' ') {
        assert_values(&[(word, "false")]);
    }
    for word in "~ null Null NULL".split(' ') {
        assert_values(&[(word, "null")]);
    }
    assert_eq!(meaning("a:\nb: 1"), r#"{"a":null,"b":1}"#);
    assert_strings(&["yEs", "tRUE", "oN", "nULL", "yes please", "=", "<<"]);
}

#[test]
fn reads_integers_as_go_does() {
    assert_values(&[
        ("0", "0"),
        ("-0", "0"),
        ("+1", "1"),
        ("0777", "511"),
        ("0o777", "511"),
        ("0O17", "15"),
        ("-017", "-15"),
        ("0x1F", "31"),
        ("-0Xff", "-255"),
        ("0b11", "3"),
        ("+0B11", "3"),
        ("0b-1", "-1"),
        ("0b+1", "1"),
        ("1_000", "1000"),
        ("1_", "1"),
        ("+_1", "1"),
        ("0x_1_", "1"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
        ("0xFFFFFFFFFFFFFFFF", "18446744073709551615"),
    ]);
    assert_strings(&["0b102", "0b", "0x", "0o8", "0xg", "-0b-1", "-0b+1", "--1", "+-1", "1-", "+", "0x1p-2", "1a"]);
}

#[test]
fn reads_floats_as_they_arrive_through_gos_json() {
    assert_values(&[
        ("1.5", "1.5"),
        ("-.5", "-0.5"),
        (".5", "0.5"),
        (".5_5", "0.55"),
        ("1.", "1"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("1e-7", "1e-7"),
        ("08", "8"),
        ("0_9", "9"),
        ("-0.0", "-0.0"),
        ("9223372036854775808.0", "9223372036854776000"),
        ("+18446744073709551615", "1.8446744073709552e+19"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("0777777777777777777777777", "7.777777777777778e+23"),
        ("1e21", "1e+21"),
    ]);
    assert_strings(&[
        "1e999",
        ".5_",
        "._5",
        ".5e999",
        ".",
        ".e1",
        "1e",
        "e1",
        "1.2.3",
        "1:30",
        "190:20:30",
        "inf",
        "nan",
        "Infinity",
    ]);
    for text in [".nan", ".NaN", ".inf", "+.Inf", "-.INF"] {
        assert_eq!(
            meaning(&format!("a: {text}")),
            "error: JSON has no such number; put it in quotes if a string is meant"
        );
    }
}

#[test]
fn reads_timestamps_as_strings() {
    assert_strings(&["2001-12-14", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43"]);
}

#[test]
fn reads_quoted_and_block_scalars_as_strings() {
    assert_values(&[
        ("\"1\"", "\"1\""),
        ("'yes'", "\"yes\""),
        ("''", "\"\""),
        ("'it''s'", "\"it's\""),
        ("\"a\\tb\\x41\\u00e9\\U0001F600\\/\"", "\"a\\tbAé😀/\""),
        ("\"\\N\\_\\L\\P\\e\\0\"", "\"\u{85}\u{a0}\u{2028}\u{2029}\\u001b\\u0000\""),
    ]);
    for (block, text) in [
        ("|\n  1\n  2\n", "1\\n2\\n"),
        ("|-\n  1\n  2\n", "1\\n2"),
        ("|+\n  1\n\n", "1\\n\\n"),
        (">\n  1\n  2\n\n  3\n", "1 2\\n3\\n"),
        ("|2\n   x\n", " x\\n"),
        ("|\n", ""),
        ("'one\n\n  two\n  three'", "one\\ntwo three"),
        ("\"one \\\n  two\"", "one two"),
        ("one\n  two", "one two"),
    ] {
        assert_eq!(meaning(&format!("a: {block}")), format!("{{\"a\":\"{text}\"}}"), "{block}");
    }
}

#[test]
fn obeys_tags() {
    assert_values(&[
        ("!!str 12", "\"12\""),
        ("!!int \"12\"", "12"),
        ("!!int 0x1F", "31"),
        ("!!float 12", "12"),
        ("!!float \"1.5\"", "1.5"),
        ("!!bool \"yes\"", "true"),
        ("!!null \"\"", "null"),
        ("!!timestamp 2001-12-14", "\"2001-12-14\""),
        ("!!binary aGVsbG8=", "\"hello\""),
        ("!!binary \"aGVs\\nbG9=\"", "\"hello\""),
        ("!!binary /+8=", "\"\u{fffd}\u{fffd}\""),
        ("!<tag:yaml.org,2002:int> \"3\"", "3"),
        ("! 12", "\"12\""),
        ("!mine 12", "\"12\""),
        ("!!map x", "\"x\""),
        ("!!map {b: 1}", "{\"b\":1}"),
        ("!mine [1]", "[1]"),
    ]);
    assert_eq!(meaning("- !!str\n- !mine\n- !!null\n"), r#"["","",null]"#);
    assert_eq!(meaning("%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 12"), r#"{"a":"12"}"#);
    for (text, tag) in [("abc", "int"), ("1.5", "int"), ("abc", "float"), ("1", "bool"), ("abc", "null")] {
        assert_eq!(
            meaning(&format!("a: !!{tag} {text}")),
            format!("error: `{text}` is no `!!{tag}`; correct it or its tag")
        );
    }
    assert_eq!(meaning("a: !!int"), "error: `` is no `!!int`; correct it or its tag");
    for text in ["aGVsbG8", "a", "=", "aGVsbG8=x", "'a b='"] {
        assert_eq!(meaning(&format!("a: !!binary {text}")), "error: a `!!binary` value has to be base64");
    }
}

#[test]
fn makes_keys_strings() {
    for (key, name) in [
        ("a", "a"),
        ("'1'", "1"),
        ("1", "1"),
        ("0x10", "16"),
        ("y", "true"),
        ("off", "false"),
        ("1.50", "1.5"),
        ("1.0", "1"),
        ("0.1", "0.1"),
        ("100000.0", "100000"),
        ("1e6", "1e+06"),
        ("123456789.0", "1.2345679e+08"),
        ("0.0001", "0.0001"),
        ("1e-5", "1e-05"),
        ("-0.0", "-0"),
        (".nan", ".nan"),
        ("1e40", ".inf"),
        ("-.inf", "-.inf"),
        ("2001-12-14", "2001-12-14"),
        ("1:30", "1:30"),
        ("!!binary aGVsbG8=", "hello"),
        ("!!str 1", "1"),
        ("? a", "a"),
        ("\"<<\"", "<<"),
        ("!!str <<", "<<"),
        ("a b", "a b"),
    ] {
        assert_eq!(
            meaning(&format!("{key} : x\n").replace("? a :", "? a\n:")),
            format!("{{\"{name}\":\"x\"}}"),
            "{key}"
        );
    }
    for (key, what) in [
        ("~", "null"),
        ("", "null"),
        ("18446744073709551615", "so big a number"),
        ("[a]", "a list"),
        ("{a: b}", "a map"),
    ] {
        assert_eq!(
            meaning(&format!("{key} : x")),
            format!("error: {what} cannot be a key; the keys of a map are strings; put this one in quotes")
        );
    }
}
