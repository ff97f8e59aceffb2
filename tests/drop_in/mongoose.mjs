// node mongoose.mjs: a model of mongoose, on the official Node driver with automatic encryption, led
// by a test.
//
// Reads first {uri, db, keyVaultNamespace, kmsProviders, schemaMap, extraOptions}, then {call, args}
// for the model of patients.
import { readFileSync } from 'node:fs';

import mongoose from 'mongoose';

import { answerLines } from './lines.mjs';

const { Schema } = mongoose;
const patient = new Schema(
  {
    _id: Number,
    name: String,
    ssn: Number,
    bloodType: String,
    insurance: { policyNumber: Number, provider: String },
  },
  { collection: 'patients', autoCreate: false, autoIndex: false, versionKey: false }
);

let Patient;

async function connect({ uri, db, ...autoEncryption }) {
  await mongoose.connect(uri, { dbName: db, autoEncryption });
  Patient = mongoose.model('Patient', patient);
  return { memoryMap: readFileSync('/proc/self/maps', 'utf8') };
}

async function call({ call: name, args }) {
  const query = Patient[name](...args);
  const result = await (typeof query.lean === 'function' ? query.lean() : query);
  return { value: name === 'create' ? result.toObject() : result };
}

await answerLines((request) => (Patient === undefined ? connect(request) : call(request)));
await mongoose.disconnect();
