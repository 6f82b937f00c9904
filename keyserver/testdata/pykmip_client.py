"""PyKMIP's client against a KMIP server: every operation that it has for the
objects of the server, at each version. Arguments: host port cert key ca version."""
import datetime
import hmac
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat, load_der_public_key)
from cryptography.x509.oid import NameOID
from kmip.core import enums, objects as core
from kmip.core import attributes
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import exceptions, objects
from kmip.pie.client import ProxyKmipClient

host, port, cert, key, ca, version = sys.argv[1:]
V2 = version >= "2.0"
attribute = AttributeFactory().create_attribute
MASK = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]
READABLE = [t.value for t in enums.AttributeType if t != enums.AttributeType.ORIGINAL_CREATION_DATE]


def refused(reason, call, *args, reason2=None, **kwargs):
    """The call has to fail for the reason, which 2.x may have another for."""
    if V2 and reason2:
        reason = reason2
    try:
        call(*args, **kwargs)
    except exceptions.KmipOperationFailure as e:
        assert e.reason == reason, "%s failed with %s, not %s" % (call.__name__, e.reason, reason)
    else:
        raise AssertionError("%s succeeded" % call.__name__)


def name(text):
    return attribute(enums.AttributeType.NAME, text)


def name2(text):
    """A name as 2.x has it, in no Attribute."""
    return attributes.Name(attributes.Name.NameValue(text), attributes.Name.NameType(enums.NameType.UNINTERPRETED_TEXT_STRING))


def rename(c, uid, text):
    if V2:
        c.modify_attribute(unique_identifier=uid, new_attribute=core.NewAttribute(attribute=name2(text)))
    else:
        c.modify_attribute(unique_identifier=uid, attribute=name(text))


def delete_name(c, uid, text):
    if V2:
        c.delete_attribute(unique_identifier=uid, current_attribute=core.CurrentAttribute(attribute=name2(text)))
    else:
        c.delete_attribute(unique_identifier=uid, attribute_name="Name", attribute_index=0)


def state(c, uid):
    (a,) = c.get_attributes(uid, ["State"])[1]
    return a.attribute_value.value


def run(c, prefix):
    # A key that the server makes.
    made = c.create(enums.CryptographicAlgorithm.AES, 256, name=prefix + "made", cryptographic_usage_mask=MASK)
    got = c.get(made)
    assert isinstance(got, objects.SymmetricKey), type(got)
    assert len(got.value) == 32 and got.cryptographic_length == 256, got
    assert got.cryptographic_algorithm == enums.CryptographicAlgorithm.AES

    # Objects that the client has made.
    key = objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 128, b"0123456789abcdef", MASK, prefix + "key")
    stored = c.register(key)
    assert c.get(stored).value == key.value
    secret = c.register(objects.SecretData(b"geheim", enums.SecretDataType.PASSWORD, name=prefix + "secret"))
    got = c.get(secret)
    assert isinstance(got, objects.SecretData) and got.value == b"geheim", got
    opaque = c.register(objects.OpaqueObject(b"\x01\x02", enums.OpaqueDataType.NONE, name=prefix + "opaque"))
    assert c.get(opaque).value == b"\x01\x02"
    refused(enums.ResultReason.INVALID_FIELD, c.register, key, reason2=enums.ResultReason.NON_UNIQUE_NAME_ATTRIBUTE)

    # Locate.
    symmetric = attribute(enums.AttributeType.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY)
    assert c.locate(attributes=[name(prefix + "made")]) == [made]
    assert c.locate(attributes=[name(prefix + "none")]) == []
    both = c.locate(attributes=[symmetric])
    assert both == [made, stored], both
    assert c.locate(maximum_items=1, attributes=[symmetric]) == [made]
    assert c.locate(maximum_items=1, offset_items=1, attributes=[symmetric]) == [stored]

    # Attributes.
    names = c.get_attribute_list(made)
    for want in ("Name", "State", "Cryptographic Length", "Unique Identifier", "Digest", "Initial Date"):
        assert want in names, names
    # PyKMIP cannot read all attributes of 1.3 and 1.4: it has to ask by name.
    wanted = None if version in ("1.0", "1.1", "1.2") else [n for n in names if n in READABLE]
    uid, everything = c.get_attributes(made, wanted)
    assert uid == made and len(everything) >= 9, everything
    rename(c, made, prefix + "renamed")
    assert c.locate(attributes=[name(prefix + "renamed")]) == [made]
    assert c.locate(attributes=[name(prefix + "made")]) == []
    delete_name(c, made, prefix + "renamed")
    assert c.locate(attributes=[name(prefix + "renamed")]) == []

    if V2:
        c.set_attribute(unique_identifier=opaque, attribute_name="Sensitive", attribute_value=True)
        (sensitive,) = c.get_attributes(opaque, ["Sensitive"])[1]
        assert sensitive.attribute_value.value is True, sensitive

    # Life.
    assert state(c, made) == enums.State.PRE_ACTIVE
    c.activate(made)
    assert state(c, made) == enums.State.ACTIVE
    refused(enums.ResultReason.PERMISSION_DENIED, c.activate, made, reason2=enums.ResultReason.WRONG_KEY_LIFECYCLE_STATE)
    refused(enums.ResultReason.PERMISSION_DENIED, c.destroy, made, reason2=enums.ResultReason.WRONG_KEY_LIFECYCLE_STATE)
    c.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, made, "no longer used")
    assert state(c, made) == enums.State.DEACTIVATED
    c.revoke(enums.RevocationReasonCode.KEY_COMPROMISE, stored, "lost", compromise_occurrence_date=1000000000)
    assert state(c, stored) == enums.State.COMPROMISED
    for uid in (made, stored, secret, opaque):
        c.destroy(uid)
    assert state(c, made) == enums.State.DESTROYED
    assert state(c, stored) == enums.State.DESTROYED_COMPROMISED
    refused(enums.ResultReason.ILLEGAL_OPERATION, c.get, made, reason2=enums.ResultReason.OBJECT_DESTROYED)
    refused(enums.ResultReason.ITEM_NOT_FOUND, c.get, "none", reason2=enums.ResultReason.OBJECT_NOT_FOUND)
    assert c.locate() == [], c.locate()
    c.destroy(c.register(key))  # the name is free again


def services(c, prefix):
    """What is done with keys that stay on the server; checked with Python's cryptography."""
    mask = enums.CryptographicUsageMask
    text = bytes(range(48))
    # Symmetric.
    uid = c.register(objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 128, b"0123456789abcdef",
                                          [mask.ENCRYPT, mask.DECRYPT, mask.MAC_GENERATE], prefix + "services"))
    c.activate(uid)
    for mode, filling, theirs in ((enums.BlockCipherMode.CBC, enums.PaddingMethod.ANSI_X923, modes.CBC(b"v" * 16)),
                                  (enums.BlockCipherMode.CTR, None, modes.CTR(b"v" * 16)),
                                  (enums.BlockCipherMode.ECB, enums.PaddingMethod.PKCS5, modes.ECB())):
        params = {"block_cipher_mode": mode, "cryptographic_algorithm": enums.CryptographicAlgorithm.AES}
        if filling:
            params["padding_method"] = filling
        iv = None if mode == enums.BlockCipherMode.ECB else b"v" * 16
        sealed, _ = c.encrypt(text, uid=uid, cryptographic_parameters=params, iv_counter_nonce=iv)
        plain = Cipher(algorithms.AES(b"0123456789abcdef"), theirs).decryptor().update(sealed)
        assert plain[:48] == text and len(plain) == (64 if filling else 48), (mode, plain)
        assert c.decrypt(sealed, uid=uid, cryptographic_parameters=params, iv_counter_nonce=iv) == text
    code = c.mac(text, uid, enums.CryptographicAlgorithm.HMAC_SHA256)[1]
    assert code == hmac.new(b"0123456789abcdef", text, "sha256").digest()

    # A key pair that the server makes.
    public, private = c.create_key_pair(enums.CryptographicAlgorithm.RSA, 2048, public_name=prefix + "public", public_usage_mask=[mask.VERIFY, mask.ENCRYPT],
                                        private_name=prefix + "private", private_usage_mask=[mask.SIGN, mask.DECRYPT])
    c.activate(public)
    c.activate(private)
    theirs = load_der_public_key(c.get(public).value)
    pss = {"padding_method": enums.PaddingMethod.PSS, "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
           "cryptographic_algorithm": enums.CryptographicAlgorithm.RSA}
    signature = c.sign(text, uid=private, cryptographic_parameters=pss)
    theirs.verify(signature, text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert c.signature_verify(text, signature, uid=public, cryptographic_parameters=pss) == enums.ValidityIndicator.VALID
    assert c.signature_verify(b"other", signature, uid=public, cryptographic_parameters=pss) == enums.ValidityIndicator.INVALID
    v15 = {"padding_method": enums.PaddingMethod.PKCS1v15, "cryptographic_algorithm": enums.CryptographicAlgorithm.RSA}
    assert c.decrypt(theirs.encrypt(text, padding.PKCS1v15()), uid=private, cryptographic_parameters=v15) == text

    # A key pair and a certificate that the client has made.
    made = rsa.generate_private_key(65537, 2048)
    der = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    uid = c.register(objects.PrivateKey(enums.CryptographicAlgorithm.RSA, 2048, der, enums.KeyFormatType.PKCS_8, [mask.SIGN], prefix + "own"))
    got = c.get(uid)
    assert got.value == der and got.key_format_type == enums.KeyFormatType.PKCS_8, got
    spki = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    uid = c.register(objects.PublicKey(enums.CryptographicAlgorithm.RSA, 2048, spki, enums.KeyFormatType.X_509, [mask.VERIFY], prefix + "own public"))
    assert c.get(uid).value == spki
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pykmip")])
    now = datetime.datetime(2026, 1, 1)
    certificate = x509.CertificateBuilder(subject, subject, made.public_key(), 5, now, now + datetime.timedelta(days=1)) \
        .sign(made, hashes.SHA256()).public_bytes(Encoding.DER)
    uid = c.register(objects.X509Certificate(certificate, [mask.VERIFY], prefix + "certificate"))
    assert c.get(uid).value == certificate
    split = c.register(objects.SplitKey(enums.CryptographicAlgorithm.AES, 128, b"0123456789abcdef", [mask.ENCRYPT], prefix + "split",
                                        split_key_parts=3, key_part_identifier=1, split_key_threshold=2, split_key_method=enums.SplitKeyMethod.XOR))
    got = c.get(split)
    assert (got.split_key_parts, got.key_part_identifier, got.split_key_threshold) == (3, 1, 2), got


client = ProxyKmipClient(hostname=host, port=int(port), cert=cert, key=key, ca=ca, ssl_version="PROTOCOL_TLSv1_2",
                         config_file="/dev/null", kmip_version=enums.KMIPVersion["KMIP_" + version.replace(".", "_")])
with client:
    run(client, version + "-")
    if version >= "1.2":
        services(client, version + "-")
print("done")
