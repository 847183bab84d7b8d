"""Checks the Python client that was generated from the OpenAPI document: that it has a function for each operation, and
that all of it can be imported. Arguments: the document and the folder of the package."""

import importlib
import json
import pathlib
import sys

document, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(folder))
paths = json.loads(document.read_text(encoding="utf-8"))["paths"]
missing = []
for item in paths.values():
    for operation in item.values():
        module = f"chinwag_client.http.api.{operation['tags'][0]}.{operation['operationId']}"
        try:
            importlib.import_module(module).sync_detailed
        except ModuleNotFoundError:
            missing.append(operation["operationId"])
if missing:
    sys.exit("the client lacks: " + ", ".join(missing))
print(f"{sum(map(len, paths.values()))} operations")
