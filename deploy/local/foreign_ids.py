"""Asks for things of one caller in the name of others who may not see them.

    foreign_ids.py URL    tokens in OWNER, SAME_TENANT and OTHER_TENANT

Walks the operations of the document that is served at URL. For each one that
names a thing in its path the owner makes that thing; a `user` of the same tenant
and an `admin` of another one must get a 404 for it, whatever else they say they
are, and then the owner must get what it asks for, in the same words.
"""

import json
import os
import sys
import urllib.error
import urllib.request

METHODS = ("get", "head", "post", "put", "patch", "delete")
# What a caller with a token cannot say of itself.
LIES = {"X-Tenant-Id": "default", "X-User-Id": "owner", "X-User-Role": "service"}
VISITOR = "owned-visitor"


class Caller:
    """Whoever has this token."""

    def __init__(self, url, token, headers=None):
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}", **(headers or {})}

    def ask(self, method, path, body=None):
        """The status, and the document where there is one."""
        request = urllib.request.Request(self.url + path, method=method.upper(), headers=dict(self.headers))
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None

    def make(self, path, body):
        """The id of a new thing."""
        status, thing = self.ask("post", path, body)
        if status != 201:
            sys.exit(f"foreign-ids: POST {path} answers {status}: {thing}")
        return thing["id"]


def things(owner):
    """What the placeholders of paths stand for: new things of the owner."""
    session = owner.make("/api/v1/sessions", {"user_id": VISITOR})
    said = {"content": "of nobody's concern", "sender_type": "user", "sender_id": VISITOR}
    message = owner.make(f"/api/v1/sessions/{session}/messages", said)
    return {"session_id": session, "message_id": message, "user_id": VISITOR}


def example(document, operation):
    """A body that the operation takes, or nothing."""
    content = operation.get("requestBody", {}).get("content")
    if not content:
        return None
    name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    return document["components"]["schemas"][name].get("example", {})


def faults(document, owner, strangers):
    """What is wrong, one line each, after how many requests of strangers."""
    asked, wrong = 0, []
    for path, item in document["paths"].items():
        if "{" not in path:
            continue
        for method in (method for method in METHODS if method in item):
            # A placeholder that is not known here ends the walk: nothing is passed over.
            real, body = path.format_map(things(owner)), example(document, item[method])
            for name, stranger in strangers.items():
                status, answer = stranger.ask(method, real, body)
                asked += 1
                hidden = status == 404
                if "{user_id}" in path:
                    # The list of another user is forbidden to a user; in another tenant it is empty.
                    hidden = status == 403 if name == "user" else (status, answer) == (200, [])
                if not hidden:
                    wrong.append(f"{method.upper()} {path} answers {status} to {name}: {json.dumps(answer)[:300]}")
            status, answer = owner.ask(method, real, body)
            if not 200 <= status < 300:
                wrong.append(f"{method.upper()} {path} answers {status} to the owner: {json.dumps(answer)[:300]}")
    return asked, wrong


def main():
    """Ends with 1 where anything is wrong, or nothing was asked."""
    url = sys.argv[1]
    owner = Caller(url, os.environ["OWNER"])
    strangers = {
        "user": Caller(url, os.environ["SAME_TENANT"], LIES),
        "admin of another tenant": Caller(url, os.environ["OTHER_TENANT"], LIES),
    }
    status, document = owner.ask("get", "/openapi.json")
    if status != 200:
        sys.exit(f"foreign-ids: the document answers {status}")
    asked, wrong = faults(document, owner, strangers)
    for line in wrong:
        print(f"foreign-ids: {line}", file=sys.stderr)
    print(f"foreign-ids: {asked} requests for things of another, {len(wrong)} of them wrong")
    sys.exit(1 if wrong or not asked else 0)


main()
