"""Prints the environment that a Deployment among the manifests on standard input gives its first container."""

import sys

import yaml

for document in yaml.safe_load_all(sys.stdin):
    if document and document["kind"] == "Deployment":
        container = document["spec"]["template"]["spec"]["containers"][0]
        for variable in container["env"]:
            print(f"{variable['name']}={variable['value']}")
