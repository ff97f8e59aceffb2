"""AWS KMS, Azure Key Vault with its token service, and GCP KMS with its own, as far as one data key
needs them, and who gives out credentials by role: STS, the agents of containers, metadata services; one HTTPS server on a loopback port that checks what the clouds check, each from the
request as it arrived, and that misbehaves when told to.

usage: python3 -I -S cloud_server.py [CERTIFICATE PRIVATE_KEY [CLIENT_CA]]

Without a certificate it speaks plain HTTP, as the metadata services of the clouds do.

Writes its port to standard output. Then each line on standard input is a command, a JSON object
with "do", answered by one line of JSON. Ends with its standard input.
"""
import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import struct
import sys
import termios
import threading
import time
from urllib.parse import parse_qsl, unquote, urlsplit

config = {}
faults = []
log = []
seen_plaintext = []  # data keys, as they arrived to be wrapped
tokens = {}  # token -> (scope, time of expiry)
issued = {}  # access key id of a session of AWS -> (secret, session token, time of expiry)
unasked = 0  # answers to no request that have arrived
closed = 0  # connections that have come to their end
lock = threading.Lock()
changed = threading.Condition(lock)  # of the two counts
released = threading.Event()  # requests that are held go on
WRAPPING_KEY = os.urandom(32)


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


# --- Wrapping: a stream cipher and a tag, from HMAC. Clients never look inside. ---


def keystream(nonce, n):
    out = b""
    while len(out) < n:
        out += hmac.digest(WRAPPING_KEY, nonce + struct.pack(">I", len(out)), "sha256")
    return out[:n]


def seal(name, plain):
    seen_plaintext.append(plain)
    nonce = os.urandom(16)
    body = nonce + bytes(a ^ b for a, b in zip(plain, keystream(nonce, len(plain))))
    return body + hmac.digest(WRAPPING_KEY, name.encode() + b"\0" + body, "sha256")


def unseal(name, blob):
    """None if `blob` was not sealed under `name`."""
    body, tag = blob[:-32], blob[-32:]
    right = hmac.digest(WRAPPING_KEY, name.encode() + b"\0" + body, "sha256")
    if len(blob) < 48 or not hmac.compare_digest(tag, right):
        return None
    return bytes(a ^ b for a, b in zip(body[16:], keystream(body[:16], len(body) - 16)))


def decode(text, url=False):
    if url and "=" in text:
        raise Refused(400, "BadParameter", "padded base64url")
    padded = text + "=" * (-len(text) % 4) if url else text
    try:
        return base64.b64decode(padded, altchars=b"-_" if url else None, validate=True)
    except ValueError:
        raise Refused(400, "BadParameter", "not base64") from None


def json_body(request):
    try:
        return json.loads(request["body"])
    except ValueError:
        raise Refused(400, "SerializationException", "not JSON") from None


# --- AWS ---


def account(key_id, session_token):
    """The secret of an access key, whose session token fits."""
    c = config["aws"]
    secret, token, end = issued.get(key_id, (None, None, 0))
    if key_id == c["accessKeyId"]:
        secret, token, end = c["secretAccessKey"], c.get("sessionToken"), time.time() + 1
    if secret is None or session_token != token:
        raise Refused(400, "UnrecognizedClientException", "The security token is invalid.")
    if end < time.time():
        raise Refused(400, "ExpiredTokenException", "The security token is expired.")
    return secret


def check_sigv4(request, service_asked, region_asked):
    """Signature Version 4, computed anew from what arrived."""
    c = config["aws"]
    headers = request["headers"]
    m = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        headers.get("authorization", ""),
    )
    if not m:
        raise Refused(400, "IncompleteSignatureException", "malformed Authorization")
    key_id, date, region, service, names, signature = m.groups()
    secret = account(key_id, headers.get("x-amz-security-token"))
    stamp = headers.get("x-amz-date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp) or stamp[:8] != date:
        raise Refused(400, "InvalidSignatureException", "bad date")
    skew = c.get("now", time.time()) - calendar_time(stamp)
    if abs(skew) > 300:
        raise Refused(400, "InvalidSignatureException", "Signature expired")
    if (region, service) != (region_asked, service_asked):
        raise Refused(400, "InvalidSignatureException", "Credential should be scoped to " + region)
    signed = names.split(";")
    must = {n for n in headers if n not in ("authorization", "connection")}
    if signed != sorted(signed) or set(signed) != must:
        raise Refused(400, "InvalidSignatureException", "wrong SignedHeaders")
    path, _, query = request["target"].partition("?")
    canonical = "POST\n" + path + "\n" + query + "\n"
    canonical += "".join(f"{n}:{' '.join(headers[n].split())}\n" for n in signed)
    canonical += "\n" + names + "\n" + hashlib.sha256(request["body"]).hexdigest()
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), signature):
        raise Refused(403, "InvalidSignatureException", "The signature does not match")


def calendar_time(stamp):
    year, month, day = int(stamp[:4]), int(stamp[4:6]), int(stamp[6:8])
    # Days from the civil calendar: time.strptime would import much for this one line.
    y = year - (month <= 2)
    era_day = y * 365 + y // 4 - y // 100 + y // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    seconds = int(stamp[9:11]) * 3600 + int(stamp[11:13]) * 60 + int(stamp[13:15])
    return (era_day - 719468) * 86400 + seconds


def at_root(request):
    return aws(request) if "x-amz-target" in request["headers"] else sts(request)


def aws(request):
    if request["headers"].get("content-type") != "application/x-amz-json-1.1":
        raise Refused(400, "UnknownOperationException", "wrong Content-Type")
    check_sigv4(request, "kms", config["aws"]["region"])
    body = json_body(request)
    operation = request["headers"].get("x-amz-target")
    if operation == "TrentService.Encrypt":
        if set(body) != {"Plaintext", "KeyId"} or body["KeyId"] not in config["aws"]["keys"]:
            raise Refused(400, "NotFoundException", "Invalid keyId " + str(body.get("KeyId")))
        name = body["KeyId"].encode()
        blob = bytes([len(name)]) + name + seal(body["KeyId"], decode(body["Plaintext"]))
        return {"CiphertextBlob": base64.b64encode(blob).decode(), "KeyId": body["KeyId"]}
    if operation == "TrentService.Decrypt":
        if set(body) not in ({"CiphertextBlob"}, {"CiphertextBlob", "KeyId"}):
            raise Refused(400, "ValidationException", "unexpected member")
        blob = decode(body["CiphertextBlob"])
        name, rest = blob[1 : 1 + blob[0]].decode("latin-1"), blob[1 + blob[0] :]
        if body.get("KeyId", name) != name:
            raise Refused(400, "IncorrectKeyException", "")
        plain = unseal(name, rest)
        if plain is None:
            raise Refused(400, "InvalidCiphertextException", "")
        return {"KeyId": name, "Plaintext": base64.b64encode(plain).decode()}
    raise Refused(400, "UnknownOperationException", "")


# --- AWS: sessions of roles ---


def new_session():
    key_id, secret, token = "ASIA" + os.urandom(8).hex(), os.urandom(20).hex(), os.urandom(40).hex()
    lifetime = config.get("token_lifetime", 3600)
    end = time.time() + lifetime
    issued[key_id] = (secret, token, end)
    return {"AccessKeyId": key_id, "SecretAccessKey": secret, "SessionToken": token}, end


def sts(request):
    """The role decides what it wants to see: each of its other entries is a parameter."""
    headers = request["headers"]
    form = form_body(request)
    if headers.get("accept") != "application/json" or form.pop("Version", "") != "2011-06-15":
        raise Refused(400, "ValidationError", "wrong Accept or Version")
    action = form.pop("Action", "")
    role = config.get("roles", {}).get(form.pop("RoleArn", ""))
    if not role or headers["host"] != role["host"] or action != role["Action"]:
        raise Refused(403, "AccessDenied", "Not authorized to perform sts:" + action)
    if action == "AssumeRole":
        check_sigv4(request, "sts", role["region"])
    elif "authorization" in headers:
        raise Refused(400, "ValidationError", "it is the token that authorizes")
    if form.get("WebIdentityToken") in config.get("expired", []):
        raise Refused(400, "ExpiredTokenException", "Token expired: current date/time must be before")
    if form != {n: v for n, v in role.items() if n[0].isupper() and n != "Action"}:
        raise Refused(403, "AccessDenied", "Not authorized to perform sts:" + action)
    session, end = new_session()
    result = {"Credentials": dict(session, Expiration=end), "AssumedRoleUser": {"Arn": "a"}}
    return {action + "Response": {action + "Result": result, "ResponseMetadata": {"RequestId": "r"}}}


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def handed_out(**more):
    """The account in "hand_out", as services near the machine give it."""
    end = utc(time.time() + config.get("token_lifetime", 3600))
    return dict(config["hand_out"], Expiration=end, LastUpdated=utc(time.time()), **more)


def container(request, path):
    want = config.get("container_token")
    if request["headers"].get("authorization") != want or path != config["container_path"]:
        raise Refused(403, "AccessDenied", "unauthorized")
    return handed_out(RoleArn="arn")


def imds_session(request):
    headers = request["headers"]
    if headers.get("x-aws-ec2-metadata-token-ttl-seconds") != "60" or "authorization" in headers:
        raise Refused(400, "BadRequest", "")
    return issue("imds")["access_token"]


def imds_role(request, name):
    token = request["headers"].get("x-aws-ec2-metadata-token")
    if tokens.get(token, ("", 0))[0] != "imds":
        raise Refused(401, "Unauthorized", "")
    if name not in ("", config["instance_role"]):
        raise Refused(404, "NotFound", "")
    return handed_out(Code="Success", Type="AWS-HMAC") if name else config["instance_role"]


# --- Tokens ---


def form_body(request):
    if request["headers"].get("content-type") != "application/x-www-form-urlencoded":
        raise Refused(400, "invalid_request", "wrong Content-Type")
    pairs = parse_qsl(request["body"].decode("ascii"), strict_parsing=True)
    if len(dict(pairs)) != len(pairs):
        raise Refused(400, "invalid_request", "a parameter appears twice")
    return dict(pairs)


def issue(scope):
    token = "ya29." + os.urandom(24).hex()
    lifetime = config.get("token_lifetime", 3600)
    tokens[token] = (scope, time.time() + lifetime)
    return {"token_type": "Bearer", "expires_in": lifetime, "access_token": token}


def check_bearer(request, scope):
    m = re.fullmatch(r"Bearer (\S+)", request["headers"].get("authorization", ""))
    given = m and m.group(1)
    if given and given in config.get("access_tokens", []):
        return
    if not given or tokens.get(given, ("", 0))[0] != scope or tokens[given][1] < time.time():
        raise Refused(401, "Unauthorized", "The token is invalid or has expired")


def azure_token(request):
    c = config["azure"]
    want = {"client_id": c["clientId"], "scope": c["scope"], "grant_type": "client_credentials"}
    form = form_body(request)
    if "client_secret" in form:
        want["client_secret"] = c["clientSecret"]
    else:
        want["client_assertion"] = c.get("assertion")
        want["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    if set(form) != set(want) or request["headers"].get("accept") != "application/json":
        raise Refused(400, "invalid_request", "AADSTS900144")
    for name in want:
        if form[name] != want[name]:
            raise Refused(401, "invalid_client", "AADSTS7000215: Invalid " + name)
    return issue(c["scope"])


def gcp_token(request):
    """RFC 7523, the signature checked with the public key's bare numbers."""
    c = config["gcp"]
    form = form_body(request)
    if set(form) != {"grant_type", "assertion"}:
        raise Refused(400, "invalid_request", "wrong parameters")
    if form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer":
        raise Refused(400, "unsupported_grant_type", "")
    parts = form["assertion"].split(".")
    if len(parts) != 3:
        raise Refused(400, "invalid_grant", "not a JWT")
    if json.loads(decode(parts[0], url=True)) != {"alg": "RS256", "typ": "JWT"}:
        raise Refused(400, "invalid_grant", "wrong JWT header")
    n = int(c["modulus"], 16)
    size = (n.bit_length() + 7) // 8
    signature = decode(parts[2], url=True)
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    digest = prefix + hashlib.sha256((parts[0] + "." + parts[1]).encode()).digest()
    want = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    opened = pow(int.from_bytes(signature, "big"), 65537, n).to_bytes(size, "big")
    if len(signature) != size or opened != want:
        raise Refused(400, "invalid_grant", "Invalid JWT Signature.")
    claims = json.loads(decode(parts[1], url=True))
    if set(claims) != {"iss", "aud", "scope", "iat", "exp"} or claims["exp"] - claims["iat"] != 300:
        raise Refused(400, "invalid_grant", "wrong claims")
    if abs(claims["iat"] - c.get("now", time.time())) > 60:
        raise Refused(400, "invalid_grant", "iat and exp are not in a reasonable timeframe")
    if claims["iss"] != c["email"]:
        raise Refused(400, "invalid_grant", "Invalid grant: account not found")
    audience = "https://" + request["headers"]["host"] + "/token"
    if claims["aud"] != audience or claims["scope"] != c["scope"]:
        raise Refused(400, "invalid_scope", "wrong audience or scope")
    return issue(c["scope"])


def signer_of(text, audience):
    """Of a signed request to STS, as Google would send it."""
    asked = json.loads(unquote(text))
    headers = {h["key"].lower(): h["value"] for h in asked["headers"]}
    url = urlsplit(asked["url"])
    region = config["aws"]["region"]
    if set(asked) != {"url", "method", "headers"} or asked["method"] != "POST":
        raise Refused(400, "invalid_grant", "malformed subject token")
    if (url.scheme, url.netloc) != ("https", f"sts.{region}.amazonaws.com"):
        raise Refused(400, "invalid_grant", "not AWS's STS")
    if headers["host"] != url.netloc or headers["x-goog-cloud-target-resource"] != audience:
        raise Refused(400, "invalid_grant", "wrong host or target")
    if url.path != "/" or url.query != "Action=GetCallerIdentity&Version=2011-06-15":
        raise Refused(400, "invalid_grant", "another action")
    target = url.path + "?" + url.query
    check_sigv4({"headers": headers, "target": target, "body": b""}, "sts", region)


def gcp_exchange(request):
    """RFC 8693, as Google's STS has it."""
    c = config["federation"]
    form = form_body(request)
    subject = form.pop("subject_token", "")
    want = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": c["audience"],
        "subject_token_type": c["subject_token_type"],
        "scope": c["scope"],
    }
    if form != want or request["headers"]["host"] != "sts.googleapis.com":
        raise Refused(400, "invalid_request", "wrong parameters")
    if c["subject_token_type"].endswith("aws4_request"):
        signer_of(subject, c["audience"])
    elif subject != c["subject_token"]:
        raise Refused(400, "invalid_grant", "The subject token is expired or not known")
    return dict(issue(c["scope"]), issued_token_type=want["requested_token_type"])


def gcp_impersonate(request, account):
    c = config["federation"]
    if request["headers"]["host"] != "iamcredentials.googleapis.com" or account != c["account"]:
        raise Refused(403, "PERMISSION_DENIED", "wrong account")
    body = rest_body(request, "https://www.googleapis.com/auth/cloud-platform", {"scope", "lifetime"})
    if body != {"scope": [config["gcp"]["scope"]], "lifetime": "600s"}:
        raise Refused(400, "INVALID_ARGUMENT", "wrong scope or lifetime")
    token = issue(config["gcp"]["scope"])
    return {"accessToken": token["access_token"], "expireTime": utc(time.time() + 600)}


def subject_token(request):
    if request["headers"].get("metadata") != "True":
        raise Refused(403, "forbidden", "Missing metadata header")
    return {"subject": config["subject"], "expires_in": 1}


def metadata_token(request, name, value, lifetime):
    if request["headers"].get(name) != value:
        raise Refused(403, "forbidden", f"Missing {name}:{value} header.")
    token = issue("metadata")
    return dict(token, expires_in=lifetime(token["expires_in"]))


# --- Azure Key Vault and GCP KMS ---


def rest_body(request, scope, names):
    headers = request["headers"]
    if not headers.get("content-type") == headers.get("accept") == "application/json":
        raise Refused(400, "BadParameter", "wrong Content-Type or Accept")
    check_bearer(request, scope)
    body = json_body(request)
    if set(body) != names:
        raise Refused(400, "BadParameter", "wrong properties")
    return body


def azure_key(request, name, version, operation):
    body = rest_body(request, config["azure"]["scope"], {"alg", "value"})
    if body["alg"] != "RSA-OAEP-256":
        raise Refused(400, "BadParameter", "unknown algorithm")
    if name != config["azure"]["keyName"]:
        raise Refused(404, "KeyNotFound", f"A key with (name/id) {name} was not found")
    full = f"{name}/{version or config['azure']['currentVersion']}"
    value = decode(body["value"], url=True)
    out = seal(full, value) if operation == "wrapkey" else unseal(full, value)
    if out is None:
        raise Refused(400, "BadParameter", "The parameter is incorrect.")
    encoded = base64.urlsafe_b64encode(out).rstrip(b"=").decode()
    return {"kid": "https://" + request["headers"]["host"] + "/keys/" + full, "value": encoded}


def gcp_key(request, name, version, operation):
    field = "plaintext" if operation == "encrypt" else "ciphertext"
    body = rest_body(request, config["gcp"]["scope"], {field})
    if name != config["gcp"]["key"]:
        raise Refused(404, "NOT_FOUND", f"CryptoKey {name} not found.")
    if operation == "encrypt":
        blob = seal(name, decode(body[field]))
        return {"name": name + (version or ""), "ciphertext": base64.b64encode(blob).decode()}
    plain = unseal(name, decode(body[field])) if not version else None
    if plain is None:
        raise Refused(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.")
    return {"plaintext": base64.b64encode(plain).decode(), "plaintextCrc32c": "1"}


ROUTES = (
    (
        r"/metadata/identity/oauth2/token\?api-version=2018-02-01"
        r"&resource=https%3A%2F%2Fvault\.azure\.net%2F",
        lambda r: metadata_token(r, "metadata", "true", str),
    ),
    (
        r"/computeMetadata/v1/instance/service-accounts/default/token",
        lambda r: metadata_token(r, "metadata-flavor", "Google", int),
    ),
    (r"/latest/api/token", imds_session),
    (r"/latest/meta-data/iam/security-credentials/([a-z-]*)", imds_role),
    (r"(/v[12]/credentials(?:/[a-z0-9-]+)?)", container),
    (r"/", at_root),
    (r"/metadata/subject", subject_token),
    (r"/v1/token", gcp_exchange),
    (r"/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken", gcp_impersonate),
    (r"/([A-Za-z0-9-]+)/oauth2/v2\.0/token", lambda r, tenant: azure_token(r)),
    (r"/token", gcp_token),
    (r"/keys/([A-Za-z0-9-]+)/([0-9a-f]*)/(wrapkey|unwrapkey)\?api-version=7\.1", azure_key),
    (
        r"/v1/(projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/:]+)"
        r"(/cryptoKeyVersions/[^/:]+)?:(encrypt|decrypt)",
        gcp_key,
    ),
)


def error_body(request, e):
    """In the form of the service that was asked."""
    if request["target"] == "/" and "x-amz-target" not in request["headers"]:
        said = {"Type": "Sender", "Code": e.code, "Message": e.message}
        return {"Error": said, "RequestId": "r"}
    if "x-amz-target" in request["headers"]:
        return {"__type": "com.amazonaws.kms#" + e.code, "message": e.message}
    if request["target"].endswith("token"):
        return {"error": e.code, "error_description": e.message}
    if request["target"].startswith("/v1/"):
        return {"error": {"code": e.status, "message": e.message, "status": e.code}}
    return {"error": {"code": e.code, "message": e.message}}


def method_of(target):
    if target == "/latest/api/token":
        return "PUT"
    return "GET" if re.search("metadata|meta-data|Metadata|/credentials", target) else "POST"


def handle(request):
    try:
        for pattern, handler in ROUTES:
            if m := re.fullmatch(pattern, request["target"]):
                if request["method"] != method_of(request["target"]):
                    raise Refused(405, "MethodNotAllowed", "")
                with lock:
                    return 200, handler(request, *m.groups())
        raise Refused(404, "NotFound", "no such resource")
    except Refused as e:
        return e.status, error_body(request, e)


# --- Accounts whose secrets the client's test must not know, for it searches its own memory ---


def word(n):
    return base64.urlsafe_b64encode(os.urandom(n)).decode()


def new_aws_account():
    config["aws"].update({"secretAccessKey": word(30), "sessionToken": word(300)})


def make_accounts(file):
    """Writes a kmsProviders map with fresh secrets."""
    import subprocess  # for this alone

    rsa = ["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-outform", "DER"]
    key = subprocess.run(rsa, check=True, capture_output=True).stdout
    to_pkcs8 = ["openssl", "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"]
    key = subprocess.run(to_pkcs8, input=key, check=True, capture_output=True).stdout
    modulus = ["openssl", "rsa", "-inform", "DER", "-noout", "-modulus"]
    out = subprocess.run(modulus, input=key, check=True, capture_output=True).stdout
    config["gcp"].update({"modulus": out.decode().strip().split("=")[1], "email": "e@x.example"})
    new_aws_account()
    config["azure"]["clientSecret"] = word(30)
    config["access_tokens"] = [word(90)]
    aws_account = {n: config["aws"][n] for n in ("accessKeyId", "secretAccessKey", "sessionToken")}
    azure_account = {n: config["azure"][n] for n in ("clientId", "clientSecret")}
    gcp_account = {"email": "e@x.example", "privateKey": base64.b64encode(key).decode()}
    providers = {
        "aws": aws_account,
        "azure": dict(azure_account, tenantId="tenant-1"),
        "azure:token": {"accessToken": config["access_tokens"][0]},
        "gcp": gcp_account,
    }
    if "port" in config:
        providers["azure"]["identityPlatformEndpoint"] = f"login.localhost:{config['port']}"
        providers["gcp"]["endpoint"] = f"login.localhost:{config['port']}"
    with open(file, "w", encoding="ascii") as f:
        json.dump(providers, f)
    config["private_key"] = key


def make_roles(folder):
    """Fresh secrets of a machine with roles: in files that it reads, and in near.json, which is the
    configuration of the services near it."""
    new_aws_account()
    web, agent = word(300), word(90)
    for role in config["roles"].values():
        if role["Action"] == "AssumeRoleWithWebIdentity":
            role["WebIdentityToken"] = web
    config["azure"]["assertion"] = config["federation"]["subject_token"] = web
    # What is known to the test is none of them.
    config["azure"].pop("clientSecret")
    config.pop("access_tokens")
    key_id, secret, session = (
        config["aws"][n] for n in ("accessKeyId", "secretAccessKey", "sessionToken")
    )
    profile = f"aws_access_key_id={key_id}\naws_secret_access_key={secret}\n"
    near = {
        "aws": {"accessKeyId": "none"},
        "instance_role": "medco-role",
        "container_path": "/v1/credentials",
        "container_token": agent,
        "subject": web,
        "hand_out": {"AccessKeyId": key_id, "SecretAccessKey": secret, "Token": session},
    }
    files = {
        "web": web,
        "agent": agent,
        "credentials": f"[base]\n{profile}aws_session_token={session}\n",
        "near.json": json.dumps(near),
    }
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(text)


def write_secrets(file, mask):
    """All secrets that the client has had, each after its length, with every byte XORed."""
    aws, azure, near = (config.get(n, {}) for n in ("aws", "azure", "hand_out"))
    secrets = [aws.get("secretAccessKey"), aws.get("sessionToken"), azure.get("clientSecret")]
    secrets += [near.get("SecretAccessKey"), near.get("Token"), azure.get("assertion")]
    secrets += [config.get("container_token"), *config.get("access_tokens", []), *tokens]
    secrets += [s for session in issued.values() for s in session[:2]]
    secrets = [s.encode() for s in secrets if s]
    if "private_key" in config:
        # The key's own numbers begin behind its public half; its encoding has no such border.
        modulus = bytes.fromhex(config["gcp"]["modulus"])
        private = config["private_key"].split(modulus)[1][5:]
        secrets += [private, base64.b64encode(config["private_key"])[400:]]
    for plain in seen_plaintext:
        secrets += [plain, base64.b64encode(plain), base64.urlsafe_b64encode(plain)]
    with open(file, "wb") as f:
        for s in secrets:
            f.write(struct.pack("<I", len(s)) + bytes(b ^ mask for b in s))


# --- HTTP/1.1 over TLS ---


def read_request(stream):
    line = stream.readline()
    if not line:
        return None
    method, target, version = line.decode("ascii").rstrip("\r\n").split(" ")
    request = {"method": method, "target": target, "headers": {}, "raw": line}
    while (line := stream.readline()) not in (b"\r\n", b""):
        request["raw"] += line
        name, value = line.decode("ascii").rstrip("\r\n").split(":", 1)
        if name.lower() in request["headers"] or version != "HTTP/1.1":
            raise ValueError("a header appears twice")
        request["headers"][name.lower()] = value.strip()
    request["body"] = stream.read(int(request["headers"].get("content-length", 0)))
    return request


def http(status, body, extra=""):
    head = f"HTTP/1.1 {status} Said So\r\nContent-Type: application/json\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def count(name):
    with lock:
        globals()[name] += 1
        changed.notify_all()


def await_arrival(connection):
    """Until the client's side has acknowledged all that was sent."""
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0] > 0:
        time.sleep(0.001)


def answer(request, connection):
    """Answers one request; False: close the connection."""
    with lock:
        fault = faults.pop(0) if faults else None
    fault = fault or {}
    if "hold" in fault:
        released.wait()
    if "cut" in fault:
        if fault["cut"] == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if fault["cut"] == "middle":
            connection.sendall(http(200, b'{"CiphertextBlob": "AAAA"}')[:-9])
        return False
    if "raw" in fault:
        connection.sendall(fault["raw"].encode("latin-1"))
        return not fault.get("close")
    if "oversize" in fault:
        connection.sendall(http(200, b" " * fault["oversize"]))
        return False
    status, body = handle(request)
    body = (body if isinstance(body, str) else json.dumps(body)).encode()
    if "echo" in fault:
        what = request["body"] if fault["echo"] == "body" else request["raw"]
        said = request["headers"].get(fault["echo"], what.decode())
        body = json.dumps({"__type": "Echo", "message": said, "error": {"message": said}}).encode()
        status = 400
    if "status" in fault:
        status, body = fault["status"], fault.get("body", "").encode()
    if "rewrite" in fault:
        body = fault["rewrite"].encode()
    if fault.get("chunked"):
        head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\ntransfer-encoding:  Chunked\r\n\r\n"
        size = fault["chunked"]
        pieces = [body[i : i + size] for i in range(0, len(body), size)]
        chunks = b"".join(b"%x;x=y\r\n%s\r\n" % (len(p), p) for p in pieces)
        data = head + chunks + b"0\r\nA: b\r\n\r\n"
    elif fault.get("until_close"):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        return False
    else:
        data = http(status, body, fault.get("headers", "X-Amzn-RequestId: 0a1b2c\r\n"))
    if "drip" in fault:
        for i in range(len(data)):
            connection.sendall(data[i : i + 1])
            time.sleep(fault["drip"])
        data = b""
    connection.sendall(data)
    if "unasked" in fault:
        connection.sendall(http(200, fault["unasked"].encode()))
        await_arrival(connection)
        count("unasked")
    return not fault.get("close")


def serve(raw_connection, context, number):
    try:
        secure = context and context.wrap_socket(raw_connection, server_side=True)
        with secure or raw_connection as connection, connection.makefile("rb") as stream:
            while request := read_request(stream):
                with lock:
                    log.append(
                        {
                            "connection": number,
                            "line": request["method"] + " " + request["target"],
                            "sni": getattr(connection, "sni", None),
                            "peer": bool(context) and connection.getpeercert() is not None,
                            "tls": context and connection.version(),
                            "headers": request["headers"],
                            "body": request["body"].decode("latin-1"),
                        }
                    )
                if not answer(request, connection):
                    break
    except (OSError, ValueError):
        pass  # the client went away, or did not speak TLS
    count("closed")


def accept(listener, context):
    number = 0
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number += 1
        threading.Thread(target=serve, args=(connection, context, number), daemon=True).start()


def command(c):
    global faults, log
    with lock:
        if c["do"] == "configure":
            config.update(c["config"])
        elif c["do"] == "configure from":
            with open(c["file"], encoding="ascii") as f:
                config.update(json.load(f))
        elif c["do"] == "faults":
            faults = c["queue"]
        elif c["do"] == "revoke":
            tokens.clear()
            issued.clear()
        elif c["do"] == "accounts":
            make_accounts(c["file"])
        elif c["do"] == "roles":
            make_roles(c["folder"])
        elif c["do"] == "secrets":
            write_secrets(c["file"], c["mask"])
        elif c["do"] == "release":
            released.set()
        elif c["do"] == "await":
            changed.wait_for(lambda: globals()[c["what"]] >= c["n"])
        elif c["do"] == "tokens":
            return {"tokens": [s for i in issued.values() for s in i[:2]] + list(tokens)}
        elif c["do"] == "log":
            taken, log = log, []
            return {"requests": taken}
        else:
            raise ValueError(c["do"])
    return {}


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if len(sys.argv) > 1 else None
    if context:
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        context.sni_callback = lambda connection, name, _: setattr(connection, "sni", name)
    if len(sys.argv) > 3:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(sys.argv[3])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=accept, args=(listener, context), daemon=True).start()
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    for line in sys.stdin:
        print(json.dumps(command(json.loads(line))), flush=True)


main()
