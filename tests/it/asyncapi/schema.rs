//! The subset of JSON Schema that `docs/asyncapi.json` uses. An unknown keyword is an error.

use serde_json::{Map, Value};

/// The schemas of a document.
pub struct Schemas<'a> {
    document: &'a Value,
}

impl<'a> Schemas<'a> {
    pub fn new(document: &'a Value) -> Self {
        Self { document }
    }

    /// Checks a value against a schema. The error says where and why it does not match.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        self.check_at(schema, value, "")
    }

    fn check_at(&self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        let schema = schema.as_object().expect("a schema is an object");
        for (keyword, rule) in schema {
            let is_good = match keyword.as_str() {
                "$ref" => {
                    let path = rule.as_str().expect("a reference").trim_start_matches('#');
                    let target = self.document.pointer(path).unwrap_or_else(|| panic!("{path} is missing"));
                    self.check_at(target, value, place)?;
                    true
                }
                "type" => match rule.as_array() {
                    Some(types) => types.iter().any(|it| is_type(it, value)),
                    None => is_type(rule, value),
                },
                "const" => rule == value,
                "enum" => rule.as_array().expect("values").contains(value),
                "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().expect("a number")),
                "minLength" => count(value).is_none_or(|count| count >= rule.as_u64().expect("a number")),
                "maxLength" => count(value).is_none_or(|count| count <= rule.as_u64().expect("a number")),
                "minItems" => items(value).is_none_or(|count| count >= rule.as_u64().expect("a number")),
                "maxItems" => items(value).is_none_or(|count| count <= rule.as_u64().expect("a number")),
                "required" => {
                    let missing = |key: &&Value| value.get(key.as_str().expect("a key")).is_none();
                    match rule.as_array().expect("keys").iter().find(missing) {
                        Some(key) => return Err(format!("{place}: {key} is missing")),
                        None => true,
                    }
                }
                "properties" => {
                    let rules = rule.as_object().expect("schemas");
                    for (key, rule) in rules {
                        if let Some(value) = value.get(key) {
                            self.check_at(rule, value, &format!("{place}/{key}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => self.check_others(schema, rule, value, place)?,
                "items" => {
                    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                        self.check_at(rule, value, &format!("{place}/{index}"))?;
                    }
                    true
                }
                "description" | "examples" => true,
                other => panic!("{other} is not known"),
            };
            if !is_good {
                return Err(format!("{place}: {value} against {keyword} {rule}"));
            }
        }
        Ok(())
    }

    /// Keys that `properties` does not name: forbidden, or of one form.
    fn check_others(
        &self,
        schema: &Map<String, Value>,
        rule: &Value,
        value: &Value,
        place: &str,
    ) -> Result<bool, String> {
        let named = schema.get("properties").and_then(Value::as_object);
        let is_named = |key: &str| named.is_some_and(|named| named.contains_key(key));
        for (key, value) in value.as_object().into_iter().flatten().filter(|(key, _)| !is_named(key)) {
            match rule {
                Value::Bool(false) => return Err(format!("{place}: {key} is not in it")),
                rule => self.check_at(rule, value, &format!("{place}/{key}"))?,
            }
        }
        Ok(true)
    }
}

fn is_type(rule: &Value, value: &Value) -> bool {
    match rule.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is not known"),
    }
}

/// The length of a text in characters.
fn count(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn items(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_rule_refuses_what_it_is_about() {
        let document = json!({"id": {"type": "integer", "minimum": 1}});
        let schema = json!({
            "type": "object", "required": ["id"], "additionalProperties": false,
            "properties": {
                "id": {"$ref": "#/id"}, "name": {"type": ["string", "null"], "minLength": 1, "maxLength": 2},
                "kind": {"enum": ["a", "b"]}, "list": {"type": "array", "items": {"type": "boolean"}, "maxItems": 1},
                "others": {"additionalProperties": {"const": 1}}
            }
        });
        let fits = |value: Value| Schemas::new(&document).check(&schema, &value).is_ok();
        assert!(fits(json!({"id": 1, "name": "你好", "kind": "a", "list": [true], "others": {"x": 1}})));
        assert!(fits(json!({"id": 1, "name": null})));
        for wrong in [
            json!([]),
            json!({}),
            json!({"id": 0}),
            json!({"id": "1"}),
            json!({"id": 1.5}),
            json!({"id": 1, "name": ""}),
            json!({"id": 1, "name": "abc"}),
            json!({"id": 1, "kind": "c"}),
            json!({"id": 1, "list": [1]}),
            json!({"id": 1, "list": [true, true]}),
            json!({"id": 1, "others": {"x": 2}}),
            json!({"id": 1, "more": 1}),
        ] {
            assert!(!fits(wrong.clone()), "{wrong}");
        }
    }
}
