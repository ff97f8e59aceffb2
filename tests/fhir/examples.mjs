// examples.mjs FLE WORK: encrypts the resources in WORK/package, looks for what must not be plain in the result, decrypts it and
// compares with the originals.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const [fle, work] = process.argv.slice(2);
const folder = mkdtempSync(join(work, 'run-'));
const run = (...args) =>
  execFileSync(fle, args, {cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28});
const linesOf = name =>
  readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').map(line => JSON.parse(line));

// What says who somebody is is random; what is searched for by equality is deterministic.
const random = ['name', 'address', 'telecom', 'contact', 'photo', 'identifier', 'note', 'text.div',
  'subject.display', 'patient.display', 'valueString', 'valueQuantity', 'component', 'dosage',
  'dosageInstruction', 'reaction', 'conclusion', 'item'];
const deterministic = ['birthDate', 'gender', 'subject.reference', 'patient.reference'];

const paths = [...random, ...deterministic];
const keys = ['--vault', 'keys.db', '--local-key', 'master.key'];

/** The schema: each path as nested properties. */
function schemaOf(uuid, paths) {
  const root = {bsonType: 'object', properties: {},
    encryptMetadata: {keyId: [{$uuid: uuid}], algorithm: 'AEAD_AES_256_CBC_HMAC_SHA_512-Random'}};
  for (const path of paths) {
    const names = path.split('.');
    let at = root;
    for (const name of names.slice(0, -1))
      at = at.properties[name] ??= {bsonType: 'object', properties: {}};
    at.properties[names.at(-1)] = {
      encrypt: deterministic.includes(path) ?
        {bsonType: 'string', algorithm: 'AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic'} :
        {}
    };
  }
  return root;
}
/** The value at a path through objects; undefined where there is none. */
const valueAt = (document, path) =>
  path.split('.').reduce((at, name) => (Array.isArray(at) ? undefined : at?.[name]), document);

/** In some types of resources a field is an array that is an object in others: encrypted whole, there. */
const hasArrays = resource => paths.some(path => Array.isArray(resource[path.split('.')[0]]) &&
  path.includes('.'));

let resourcesDone = 0;
let encrypted = 0;
const seen = new Map();  // plaintext of a deterministic field -> ciphertext

/** Encrypts resources by the paths, looks at each value, decrypts and compares. */
function roundTrip(uuid, names, resources, paths) {
  writeFileSync(join(folder, 'in.json'), resources.map(r => JSON.stringify(r) + '\n').join(''));
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(schemaOf(uuid, paths)));
  run('encrypt', '--schema', 'schema.json', ...keys, '--format', 'json', '--in', 'in.json',
    '--out', 'sealed.json', '--quiet');
  const sealed = linesOf('sealed.json');
  assert.equal(sealed.length, resources.length);
  resources.forEach((resource, i) => {
    for (const path of paths) {
      const plain = valueAt(resource, path);
      const made = valueAt(sealed[i], path);
      if (plain === undefined) {
        assert.equal(made, undefined, `${names[i]}: ${path}`);
        continue;
      }
      assert.equal(made?.$binary?.subType, '06', `${names[i]}: ${path} is plain`);
      ++encrypted;
      if (!deterministic.includes(path)) continue;
      const known = seen.get(plain) ?? made.$binary.base64;
      assert.equal(made.$binary.base64, known, `${names[i]}: ${path} is not deterministic`);
      seen.set(plain, known);
    }
  });
  run('decrypt', ...keys, '--format', 'json', '--relaxed', '--in', 'sealed.json', '--out',
    'opened.json', '--quiet');
  linesOf('opened.json').forEach((opened, i) =>
    assert.deepStrictEqual(opened, resources[i], names[i]));
  resourcesDone += resources.length;
}

try {
  run('keygen', '--out', 'master.key');
  const {uuid} = JSON.parse(run('key', 'create', ...keys));
  const files = readdirSync(join(work, 'package')).sort();
  const all = files.map(n => [n, JSON.parse(readFileSync(join(work, 'package', n), 'utf8'))]);
  const split = arrays => all.filter(([, resource]) => hasArrays(resource) === arrays);
  for (const arrays of [false, true]) {
    const some = split(arrays);
    const tops = [...new Set(paths.map(path => path.split('.')[0]))];
    roundTrip(uuid, some.map(([name]) => name), some.map(([, resource]) => resource),
      arrays ? tops.filter(top => !deterministic.includes(top)) : paths);
  }
  assert.ok(resourcesDone > 500, `${resourcesDone} resources`);
  assert.ok(encrypted > 1000, `${encrypted} values`);
  assert.equal(new Set(seen.values()).size, seen.size, 'two values with one ciphertext');
  console.log(`${resourcesDone} resources, ${encrypted} values encrypted and decrypted`);
} finally {
  rmSync(folder, {recursive: true});
}
