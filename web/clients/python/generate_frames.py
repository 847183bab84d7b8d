"""Writes `chinwag_client/frames.py`: a type for each frame of document 000 with `?ext=1`, as the AsyncAPI document describes them.
Argument: the document."""

import json
import pathlib
import sys

PREFIX = "webchatExtended."
ANSWERS = {"done", "pong", "message_history", "error"}
NAMES = {
    "WebchatExtendedMessage": "Message",
    "WebchatExtendedListed": "ListedMessage",
    "Reactions": "MessageReaction",
    "Mentions": "Mention",
}
SIMPLE = {"integer": "int", "string": "str", "boolean": "bool", "null": "None", "object": "dict[str, object]"}

document = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
schemas, messages = document["components"]["schemas"], document["components"]["messages"]
written: dict[str, str] = {}


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def type_of(schema: dict, name: str) -> str:
    """The Python type of a schema. An object gets a class of this name."""
    if "$ref" in schema:
        target = schema["$ref"].rsplit("/", 1)[1]
        return type_of(schemas[target], NAMES.get(target, target))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(map(repr, values))}]"
    if isinstance(schema["type"], list):
        return " | ".join(type_of(schema | {"type": one}, name) for one in schema["type"])
    if schema["type"] == "array":
        return f"list[{type_of(schema.get('items', {'type': 'integer'}), name)}]"
    if "properties" in schema:
        return typed_dict(schema, name)
    if isinstance(schema.get("additionalProperties"), dict):
        return f"dict[str, {type_of(schema['additionalProperties'], name)}]"
    return SIMPLE[schema["type"]]


def typed_dict(schema: dict, name: str) -> str:
    lines = [f"class {name}(TypedDict):"]
    if text := schema.get("description") or schema.get("summary"):
        lines += [f'    """{text}"""', ""]
    for key, value in schema["properties"].items():
        kind = type_of(value, name + camel(key))
        is_required = key in schema.get("required", [])
        lines.append(f"    {key}: {kind if is_required else f'NotRequired[{kind}]'}")
    text = "\n".join(lines)
    if written.setdefault(name, text) != text:
        sys.exit(f"two types are called {name}")
    return name


def union(name: str, operation: str, is_wanted) -> str:
    names = [entry["$ref"].rsplit("/", 1)[1] for entry in document["operations"][operation]["messages"]]
    members = []
    for key in filter(is_wanted, names):
        message = messages[PREFIX + key]
        members.append(type_of(message["payload"] | {"summary": message["summary"]}, camel(key)))
    return f"{name} = {' | '.join(members)}"


unions = [
    union("Event", "webchatExtendedFromServer", lambda key: key not in ANSWERS),
    union("Answer", "webchatExtendedFromServer", lambda key: key in ANSWERS),
    union("Command", "webchatExtendedFromClient", lambda key: key not in {"ping"}),
]
header = '"""The frames of document 000 with `?ext=1`. Generated."""\n\nfrom typing import Literal, NotRequired, TypedDict'
target = pathlib.Path(__file__).parent / "chinwag_client" / "frames.py"
target.write_text("\n\n\n".join([header, *written.values(), "\n".join(unions)]) + "\n", encoding="utf-8")
