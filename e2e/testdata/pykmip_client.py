"""PyKMIP's client, once through the life of a key.

Arguments: port, client certificate, client key, CA certificate, a name.
Prints one line a step, as "STEP RESULT".
"""
import os
import sys

from kmip.core import enums
from kmip.core.attributes import Name
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import client, exceptions, objects

port, cert, key, ca, name = sys.argv[1:]
attributes = AttributeFactory()


def named(text):
    return attributes.create_attribute(
        enums.AttributeType.NAME,
        Name.create(text, enums.NameType.UNINTERPRETED_TEXT_STRING))


with client.ProxyKmipClient(
        hostname='127.0.0.1', port=int(port), cert=cert, key=key, ca=ca,
        ssl_version='PROTOCOL_TLSv1_2', config_file=os.devnull,
        kmip_version=enums.KMIPVersion.KMIP_1_4) as c:
    made = c.create(enums.CryptographicAlgorithm.AES, 256, name=name)
    print('create', bool(made))
    print('locate', c.locate(attributes=[named(name)]) == [made])
    print('length', len(c.get(made).value))
    c.activate(made)
    state = c.get_attributes(made, ['State'])[1][0].attribute_value.value
    print('state', state.name)
    secret = c.register(objects.SecretData(b'a secret', enums.SecretDataType.PASSWORD, name=name + '-secret'))
    print('secret', c.get(secret).value == b'a secret')
    try:
        c.destroy(made)
        print('destroy-active accepted')
    except exceptions.KmipOperationFailure:
        print('destroy-active refused')
    c.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, made)
    c.destroy(made)
    try:
        c.get(made)
        print('get-destroyed found')
    except exceptions.KmipOperationFailure:
        # Item Not Found in PyKMIP's words, Illegal Operation in ours.
        print('get-destroyed refused')
    print('locate-destroyed', c.locate(attributes=[named(name)]))
