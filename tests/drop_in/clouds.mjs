// The key management services that the specification's files name, in the process of the driver:
// what it would send to one of them by TLS is answered here, so that nothing leaves the machine.
// What they check of a request is shown by tests/kms; here they keep what is wrapped, refuse master
// keys that they do not have, and know the keys that the specification's data keys were wrapped
// with.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

const known = new Map(); // data keys, by what was given out for them
let published; // {awsDataKey, kmipSecret}

const AWS = {
  'us-east-1': [
    'arn:aws:kms:us-east-1:579766882180:key/89fcc2c4-08b0-4bd9-9f25-e30687b580d0',
    'arn:aws:kms:us-east-1:579766882180:key/061334ae-07a8-4ceb-a813-8135540e837d',
    'arn:aws:kms:us-east-1:857654397073:key/0f8468f0-f135-4226-aa0b-bd05c4c30df5',
  ],
  'us-east-2': [],
};
const AZURE = { 'drivers-3392-key-vault.vault.azure.net': ['drivers-3392-keyname'] };
const GCP_RING = 'projects/devprod-drivers/locations/global/keyRings/key-ring-csfle';
const GCP = [`${GCP_RING}/cryptoKeys/key-name-csfle`];
export const KMIP_ENDPOINT = 'kmip.example.com:5696';

class Refused extends Error {
  constructor(status, body) {
    super(JSON.stringify(body));
    this.status = status;
  }
}

function wrap(key) {
  const blob = randomBytes(256);
  known.set(blob.toString('hex'), key);
  return blob;
}
/** A key that was wrapped elsewhere: the one that is published. */
const unwrap = (blob) => known.get(blob.toString('hex')) ?? published.awsDataKey;

const bytesOf = (text) => Buffer.from(text, 'base64'); // of base64url, too

function aws({ host, headers, body }) {
  const error = (type, message) => new Refused(400, { __type: type, message });
  if (headers['x-amz-security-token'] === 'bad')
    throw error('UnrecognizedClientException', 'The security token included is invalid.');
  const keys = AWS[host.split('.')[1]];
  if (headers['x-amz-target'] === 'TrentService.Encrypt') {
    if (!keys.includes(body.KeyId)) throw error('NotFoundException', `Invalid keyId ${body.KeyId}`);
    return { KeyId: body.KeyId, CiphertextBlob: wrap(bytesOf(body.Plaintext)).toString('base64') };
  }
  if (keys.length === 0) throw error('InvalidCiphertextException', 'not of this region');
  return { KeyId: keys[0], Plaintext: unwrap(bytesOf(body.CiphertextBlob)).toString('base64') };
}

function azure({ host, path, body }) {
  const [, , name, , operation] = path.split(/[/?]/);
  if (!AZURE[host].includes(name)) throw new Refused(404, { error: { code: 'KeyNotFound' } });
  const value = bytesOf(body.value);
  const result = operation === 'wrapkey' ? wrap(value) : unwrap(value);
  return { kid: `https://${host}/keys/${name}`, value: result.toString('base64url') };
}

function gcp({ path, body }) {
  const [, name, operation] = /^\/v1\/(.*):(encrypt|decrypt)$/.exec(path);
  if (!GCP.includes(name)) throw new Refused(404, { error: { code: 404, status: 'NOT_FOUND' } });
  return operation === 'encrypt'
    ? { name, ciphertext: wrap(bytesOf(body.plaintext)).toString('base64') }
    : { plaintext: unwrap(bytesOf(body.ciphertext)).toString('base64') };
}

const token = () => ({ access_token: 'token', expires_in: 3600, token_type: 'Bearer' });

const SERVICES = {
  'kms.us-east-1.amazonaws.com': aws,
  'kms.us-east-2.amazonaws.com': aws,
  'login.microsoftonline.com': token,
  ...Object.fromEntries(Object.keys(AZURE).map((host) => [host, azure])),
  'oauth2.googleapis.com': token,
  'cloudkms.googleapis.com': gcp,
};

/** The answer to a request over HTTP; undefined while it is not whole. */
function answerHttp(host, bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line, ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  const text = bytes.subarray(end + 4);
  if (text.length < Number(headers['content-length'])) return undefined;
  const body = headers['content-type']?.includes('json') ? JSON.parse(text.toString()) : {};
  let status = 200;
  let answer;
  try {
    answer = JSON.stringify(SERVICES[host]({ host, path: line.split(' ')[1], headers, body }));
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
    status = e.status;
    answer = e.message;
  }
  const head = `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\n`;
  return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`);
}

// KMIP 1.2, section 9.1: TTLV. Tags and types of what is read and written here.
const [STRUCTURE, INTEGER, ENUM, TEXT, BYTES, DATE] = [1, 2, 5, 7, 8, 9];
const TAG = {
  batchCount: [0x0d, INTEGER],
  batchItem: [0x0f, STRUCTURE],
  iv: [0x3d, BYTES],
  keyBlock: [0x40, STRUCTURE],
  keyFormatType: [0x42, ENUM],
  keyMaterial: [0x43, BYTES],
  keyValue: [0x45, STRUCTURE],
  objectType: [0x57, ENUM],
  operation: [0x5c, ENUM],
  version: [0x69, STRUCTURE],
  major: [0x6a, INTEGER],
  minor: [0x6b, INTEGER],
  requestPayload: [0x79, STRUCTURE],
  responseHeader: [0x7a, STRUCTURE],
  response: [0x7b, STRUCTURE],
  payload: [0x7c, STRUCTURE],
  status: [0x7f, ENUM],
  secretData: [0x85, STRUCTURE],
  secretDataType: [0x86, ENUM],
  id: [0x94, TEXT],
  time: [0x92, DATE],
  data: [0xc2, BYTES],
};
const VALUES = { secret: 7, symmetricKey: 2, opaque: 2, seed: 2 };

function item(name, value) {
  const [tag, type] = TAG[name];
  let content;
  if (type === STRUCTURE) content = Buffer.concat(value);
  else if (type === DATE) content = Buffer.alloc(8);
  else if (type === TEXT || type === BYTES) content = Buffer.from(value);
  else {
    content = Buffer.alloc(4);
    content.writeInt32BE(value);
  }
  const head = Buffer.from([0x42, 0, tag, type, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(-content.length & 7)]);
}

/** What an item holds, the first of this name in depth-first order. */
function valueOf(bytes, name) {
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at + 3];
    const size = bytes.readUInt32BE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + size);
    if (bytes[at + 1] === 0 && bytes[at + 2] === TAG[name][0])
      return type === INTEGER || type === ENUM ? content.readInt32BE() : content;
    const inside = type === STRUCTURE ? valueOf(content, name) : undefined;
    if (inside !== undefined) return inside;
    at += 8 + size + (-size & 7);
  }
  return undefined;
}

const secrets = new Map(); // KMIP's objects, by id
const newId = () => `${secrets.size + 100}`;

// By number: KMIP 1.2, section 9.1.3.2.27.
const KMIP_OPERATIONS = {
  0x01: () => [item('objectType', VALUES.symmetricKey), item('id', newId())],
  0x03: (payload) => {
    const id = newId();
    secrets.set(id, valueOf(payload, 'keyMaterial'));
    return [item('id', id)];
  },
  0x0a: (payload) => {
    const id = valueOf(payload, 'id').toString();
    const value = item('keyValue', [item('keyMaterial', secrets.get(id))]);
    const block = item('keyBlock', [item('keyFormatType', VALUES.opaque), value]);
    const secret = item('secretData', [item('secretDataType', VALUES.seed), block]);
    return [item('objectType', VALUES.secret), item('id', id), secret];
  },
  0x12: (payload) => [item('id', valueOf(payload, 'id'))],
  0x1f: (payload) => [
    item('id', valueOf(payload, 'id')),
    item('data', wrap(valueOf(payload, 'data'))),
    item('iv', Buffer.alloc(16)),
  ],
  0x20: (payload) => [
    item('id', valueOf(payload, 'id')),
    item('data', unwrap(valueOf(payload, 'data'))),
  ],
};

function answerKmip(bytes) {
  if (bytes.length < 8 || bytes.length < 8 + bytes.readUInt32BE(4)) return undefined;
  const operation = valueOf(bytes, 'operation');
  const version = item('version', [item('major', 1), item('minor', valueOf(bytes, 'minor'))]);
  const header = item('responseHeader', [version, item('time'), item('batchCount', 1)]);
  const payload = item('payload', KMIP_OPERATIONS[operation](valueOf(bytes, 'requestPayload')));
  const batch = item('batchItem', [item('operation', operation), item('status', 0), payload]);
  return item('response', [header, batch]);
}

/** The far end of a connection to one of the services. */
class Service extends Duplex {
  #bytes = Buffer.alloc(0);
  constructor(answer) {
    super();
    this.answer = answer;
  }
  _read() {}
  _write(chunk, _, done) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    try {
      const answer = this.answer(this.#bytes);
      if (answer !== undefined) this.push(answer);
      done();
    } catch (e) {
      done(e);
    }
  }
}

/** Takes the place of the network: nothing is to leave by TLS. */
export function openClouds(keys) {
  published = keys;
  secrets.set('1', keys.kmipSecret);
  tls.connect = ({ host, port }, connected) => {
    const isKmip = `${host}:${port}` === KMIP_ENDPOINT;
    const service = new Service(isKmip ? answerKmip : (bytes) => answerHttp(host, bytes));
    if (isKmip || (host in SERVICES && port === 443)) process.nextTick(connected);
    else service.destroy(new Error(`no such host: ${host}:${port}`));
    return service;
  };
}

/** What stands for $$placeholder in the files. */
export const credentials = (localMasterKey) => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  return {
    aws: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'good' },
    azure: { tenantId: 'tenant', clientId: 'client', clientSecret: 'secret', accessToken: 'token' },
    gcp: { email: 'someone@example.com', privateKey: pkcs8, accessToken: 'token' },
    kmip: { endpoint: KMIP_ENDPOINT },
    local: { key: localMasterKey },
  };
};
