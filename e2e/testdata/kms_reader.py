"""Reads a data file of Percona Server's component_keyring_kms, by its format alone,
and has AWS KMS decrypt the keys: kms_reader.py FILE ENDPOINT REGION"""

import base64
import binascii
import json
import re
import sys
import urllib.request

ELEMENT = ["user", "data_id", "data_type", "data", "extension"]


def in_order(names):
    def check(pairs):
        got = [name for name, _ in pairs]
        if got not in names:
            sys.exit("members %s, in this order" % got)
        return dict(pairs)

    return check


def decrypt(endpoint, region, blob):
    request = urllib.request.Request(
        endpoint + "/",
        data=json.dumps({"CiphertextBlob": base64.b64encode(blob).decode()}).encode(),
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "TrentService.Decrypt",
            "Authorization": "AWS4-HMAC-SHA256 Credential=reader/20260101/%s/kms/aws4_request, "
            "SignedHeaders=host, Signature=0" % region,
        },
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        found = json.load(answer)
    return base64.b64decode(found["Plaintext"]), found["KeyId"]


def main(path, endpoint, region):
    with open(path, "rb") as file:
        text = file.read()
    if b"\n" in text or b" \"" in text:
        sys.exit("not one compact line")
    document = json.loads(text, object_pairs_hook=in_order([["version", "elements"], ELEMENT]))
    if document["version"] != "1.0":
        sys.exit("version %r" % document["version"])
    keys = []
    for element in document["elements"]:
        if element["extension"] != [] or not re.fullmatch("([0-9A-F]{2})+", element["data"]):
            sys.exit("element %r" % element)
        blob = base64.b64decode(binascii.unhexlify(element["data"]), validate=True)
        key, arn = decrypt(endpoint, region, blob)
        keys.append({
            "user": element["user"],
            "data_id": element["data_id"],
            "data_type": element["data_type"],
            "key": key.hex().upper(),
            "arn": arn,
        })
    json.dump(keys, sys.stdout)


main(*sys.argv[1:])
