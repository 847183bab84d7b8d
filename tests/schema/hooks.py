"""Schemathesis' hooks: a valid token and known ids for each case, and counts of what was answered."""

import atexit
import collections
import json
import os
import random
import re
import urllib.parse
import zlib

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from fill import Fill
from world import World

WORLD = World()
# What ends the token of its user.
ENDS_TOKEN = {
    "POST /api/v1/auth/logout",
    "PUT /api/v1/me/password",
    "DELETE /api/v1/me",
    "DELETE /api/v1/me/sessions/{id}",
}
# What is for applications alone.
FOR_APPLICATIONS = {"POST /api/v1/admin/messages", "GET /api/v1/admin/rooms/{id}/messages"}
UPLOADS = {"POST /api/v1/upload/image", "POST /api/v1/upload/file", "POST /api/chat/upload"}
# How many cases stay as they were generated.
UNCHANGED = 0.2
COUNTS = collections.defaultdict(collections.Counter)


def dice_of(case):
    """Random choices that depend on what was generated."""
    parts = (case.operation.label, case.path_parameters, case.query, case.body)
    return random.Random(zlib.crc32(repr(parts).encode("utf-8", "surrogatepass")))


def is_stateful(case):
    return case.meta is not None and case.meta.phase.name == TestPhase.STATEFUL


@schemathesis.auth(refresh_interval=None)
class Tokens:
    """Gives each case a token that is valid now."""

    def get(self, case, context):
        label, dice = case.operation.label, dice_of(case)
        if label in ENDS_TOKEN:
            return WORLD.disposable()
        if label in FOR_APPLICATIONS and (is_stateful(case) or dice.random() < 0.85):
            return WORLD.application
        needs_admin = "/admin/" in label or "/invites" in label or label.endswith("/trace")
        if is_stateful(case):
            # What one step has made is there for the next.
            return WORLD.admin if needs_admin else WORLD.actors[0]
        return WORLD.admin if needs_admin and dice.random() < 0.85 else dice.choice(WORLD.actors)

    def set(self, case, user, context):
        case.headers["Authorization"] = f"Bearer {user.token}"


def user_of(case):
    """The user whose token the case has, or else anybody."""
    token = (case.headers or {}).get("Authorization", "").removeprefix("Bearer ")
    users = [*WORLD.users, WORLD.application, *([WORLD.spare] if WORLD.spare else [])]
    return next((user for user in users if user.token == token), WORLD.actors[0])


@schemathesis.hook
def before_call(context, case, kwargs):
    """Fills the valid parts of a case with what exists."""
    if case.meta is None:
        return
    dice, label = dice_of(case), case.operation.label
    fill = Fill(WORLD, user_of(case), dice, label)
    valid = {place for place, info in case.meta.components.items() if info.mode.is_positive}
    if not is_stateful(case) and dice.random() >= UNCHANGED:
        if ParameterLocation.PATH in valid:
            fill.path(case.path_parameters)
        if ParameterLocation.QUERY in valid and isinstance(case.query, dict):
            fill.query(case.query)
        if ParameterLocation.BODY in valid and label in UPLOADS:
            kwargs["files"] = fill.files()
        elif ParameterLocation.BODY in valid and isinstance(case.body, dict):
            fill.body(case.body)
    if isinstance(case.path_parameters, dict):
        fill.spare(case.path_parameters)


@schemathesis.hook
def after_call(context, case, response):
    """Counts the answer. Users whose token has ended are replaced."""
    if case.meta is None:
        return
    label, is_success = case.operation.label, response.status_code < 400
    COUNTS[label][str(response.status_code)] += 1
    if is_success and label in ENDS_TOKEN:
        WORLD.spare = None


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Passes over what was accepted because a request cannot carry how it is wrong. OpenAPI cannot say so."""
    is_passed_over = is_without_value(response) or has_list_in_form(case) or is_valid(case) or has_huge_number(case)
    return not (isinstance(failure, AcceptedNegativeData) and is_passed_over)


def is_valid(case):
    """Whether nothing of a case is wrong: any text may be the id of a message, which `before_call` replaces."""
    is_positive = case.meta is not None and all(info.mode.is_positive for info in case.meta.components.values())
    return is_positive or case.operation.label == "GET /api/v1/messages/{id}/trace"


def has_huge_number(case):
    """Whether a number is beyond 63 bits: the server takes 64."""
    body = case.body if isinstance(case.body, dict) else {}
    return any(isinstance(value, int) and value >= 2**63 for value in body.values())


def is_without_value(response):
    """Whether a parameter has no value: it is absent, of whatever type it is."""
    return re.search(r"=(&|$)", urllib.parse.urlsplit(response.request.url).query)


def has_list_in_form(case):
    """Whether a field of a form is a list: a form has as many parts, so that of an empty list nothing is left."""
    is_form = case.operation.label in UPLOADS and isinstance(case.body, dict)
    return is_form and any(isinstance(value, list) for value in case.body.values())


@atexit.register
def write_counts():
    """Adds the counts to those of earlier rounds."""
    path = os.environ["SCHEMA_COUNTS"]
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for label, counts in json.load(file).items():
                COUNTS[label].update(counts)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(COUNTS, file)
