// node driver_bench.mjs URI EXTRA: what driver_bench.cc does, with the official Node driver.
import { ClientEncryption, MongoClient } from 'mongodb';

const PATIENTS = 1000;
const FIELDS = 1500;
const ROUNDS = 15;

const [uri, extra] = process.argv.slice(2);
const keyVaultNamespace = 'bench.keys';
const kmsProviders = { local: { key: Buffer.alloc(96, 0x5a) } };

const plainClient = await new MongoClient(uri).connect();
const plain = plainClient.db('bench').collection('patients');
const keyId = await new ClientEncryption(plainClient, {
  keyVaultNamespace,
  kmsProviders,
}).createDataKey('local');

const encrypted = (kind, bsonType) => ({
  encrypt: { algorithm: `AEAD_AES_256_CBC_HMAC_SHA_512-${kind}`, bsonType },
});
const schema = {
  bsonType: 'object',
  encryptMetadata: { keyId: [keyId] },
  properties: {
    ssn: encrypted('Deterministic', 'int'),
    bloodType: encrypted('Random', 'string'),
    medicalRecords: encrypted('Random', 'array'),
  },
};
const autoEncryption = {
  keyVaultNamespace,
  kmsProviders,
  schemaMap: { 'bench.patients': schema },
  extraOptions: extra === 'plain' ? undefined : JSON.parse(extra),
};
const client = await new MongoClient(uri, extra === 'plain' ? {} : { autoEncryption }).connect();
const patients = client.db('bench').collection('patients');

async function measure(name, prepare, timed) {
  const all = [];
  for (let i = 0; i < ROUNDS; ++i) {
    await prepare();
    const start = process.hrtime.bigint();
    await timed();
    all.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  all.sort((a, b) => a - b);
  console.log(name, all[Math.floor(ROUNDS / 2)].toFixed(3));
}

const documents = Array.from({ length: PATIENTS }, (_, i) => ({
  _id: i,
  name: 'Jon Doe',
  ssn: 241014209 + i,
  bloodType: 'AB+',
  medicalRecords: [{ weight: 180, bloodPressure: '120/80' }],
}));
const nothing = async () => {};
await measure('insert', () => plain.drop().catch(nothing), () => patients.insertMany(documents));

const { ssn } = await plain.findOne({ _id: 0 });
const fields = Array.from({ length: FIELDS }, (_, i) => [
  [`plain${i}`, 'some other text of the document'],
  [`field${i}`, ssn],
]);
await plain.insertOne({ _id: -1, ...Object.fromEntries(fields.flat()) });
await measure('find', nothing, () => patients.findOne({ _id: -1 }));
await client.close();
await plainClient.close();
