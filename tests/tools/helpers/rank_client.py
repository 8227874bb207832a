#!/usr/bin/env python3
"""A page of `gradus rank` as a program.

    rank_client.py ADDRESS post ACTION JSON [HEADER=VALUE…]   prints the status and the reply
    rank_client.py ADDRESS get PATH [HEADER=VALUE…]           the same; PATH is relative to the address, or begins with /
    rank_client.py ADDRESS judge NAME N                       joins, ranks up to N prompts by the answers' text, leaves
"""
import http.client
import json
import sys
import urllib.parse


def request(address, method, path, body=None, headers=()):
    where = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    connection.request(method, path if path.startswith("/") else where.path + path, body,
                       {"Content-Type": "application/json", **dict(h.split("=", 1) for h in headers)})
    response = connection.getresponse()
    return response.status, response.read().decode()


def post(address, action, message):
    status, body = request(address, "POST", action, json.dumps(message))
    if status != 200:
        sys.exit(f"{action}: {status} {body}")
    return json.loads(body)


def judge(address, name, most):
    state = post(address, "join", {"name": name, "seat": ""})
    me = {"name": name, "seat": state["seat"]}
    while "item" in state and most > 0:
        answers = state["item"]["answers"]
        ranks = [1 + sorted(answers).index(a) for a in answers]
        state = post(address, "rank", {**me, "item": state["item"]["id"], "ranks": ranks})
        most -= 1
    post(address, "leave", me)
    print(state["judged"], state["left"])


address, what, *rest = sys.argv[1:]
if what == "judge":
    judge(address, rest[0], int(rest[1]))
elif what == "get":
    print(*request(address, "GET", rest[0], headers=rest[1:]))
else:
    print(*request(address, "POST", rest[0], rest[1], headers=rest[2:]))
