# The other side of pymacaroons.test.ts, run by the system's Python with python3-pymacaroons. One JSON request per line on
# standard input, one JSON answer per line on standard output.

import json
import sys

from pymacaroons import MACAROON_V2, Macaroon, Verifier


def answer(request):
    op = request["op"]
    if op == "make":
        one = Macaroon(
            location=request["location"],
            identifier=request["identifier"],
            key=bytes.fromhex(request["key"]),
            version=MACAROON_V2,
        )
        for caveat in request["caveats"]:
            one.add_first_party_caveat(caveat)
        for third in request.get("third", []):
            one.add_third_party_caveat(third["location"], bytes.fromhex(third["key"]), third["identifier"])
        return {"token": one.serialize()}
    one = Macaroon.deserialize(request["token"])
    if op == "attenuate":
        for caveat in request["caveats"]:
            one.add_first_party_caveat(caveat)
        return {"token": one.serialize()}
    if op == "bind":
        return {"token": one.prepare_for_request(Macaroon.deserialize(request["discharge"])).serialize()}
    verifier = Verifier()
    for caveat in request["caveats"]:
        verifier.satisfy_exact(caveat)
    discharges = [Macaroon.deserialize(text) for text in request.get("discharges", [])]
    try:
        verifier.verify(one, bytes.fromhex(request["key"]), discharges)
        return {"ok": True, "identifier": one.identifier_bytes.decode(), "location": one.location}
    except Exception as error:
        return {"ok": False, "why": type(error).__name__}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
