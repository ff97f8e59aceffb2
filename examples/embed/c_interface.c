/* Field level encryption from C: keys, a schema, values, documents, commands and a stream, each
   there and back. Built as C99, and run, by the tests. */
#include <fle.h>
#include <stdio.h>
#include <string.h>

/* BSON that a library would make: each ends in the NUL of its string. */
/* {name: "Ann", ssn: 241014209} */
static const char kPatient[] = "\x1c\0\0\0\x02name\0\x04\0\0\0Ann\0\x10ssn\0\xc1\x95\x5d\x0e";
/* {v: 241014209} */
static const char kValue[] = "\x0c\0\0\0\x10v\0\xc1\x95\x5d\x0e";
static const char kSsn[] = "\xc1\x95\x5d\x0e";
/* {find: "patients", filter: {ssn: 241014209}} */
static const char kFind[] =
    "\x2e\0\0\0\x02"
    "find\0\x09\0\0\0patients\0\x03"
    "filter\0\x0e\0\0\0\x10ssn\0\xc1\x95\x5d\x0e\0";
enum { kInt = 0x10, kPayload = 82 };

/* All handles, so that one place frees them. */
struct clinic {
  fle_error* error;
  fle_buffer* out;
  fle_buffer* back;
  fle_keys* keys;
  fle_schema* schema;
  fle_cipher* cipher;
  fle_commands* commands;
  fle_stream* stream;
  uint8_t key_id[16];
};

#define DO(call)                                                                          \
  do {                                                                                    \
    if ((call) != FLE_OK) return fprintf(stderr, "%s\n", fle_error_message(c->error)), 1; \
  } while (0)
#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      return fprintf(stderr, "line %d: not so: %s %s\n", __LINE__, #condition, \
                     fle_error_message(c->error)),                             \
             1;                                                                \
    }                                                                          \
  } while (0)

static int is(const fle_buffer* buffer, const char* bytes, size_t size) {
  return fle_buffer_size(buffer) == size && memcmp(fle_buffer_data(buffer), bytes, size) == 0;
}

static int has(const fle_buffer* buffer, const void* bytes, size_t size) {
  const uint8_t* data = fle_buffer_data(buffer);
  size_t i;
  for (i = 0; i + size <= fle_buffer_size(buffer); ++i)
    if (memcmp(data + i, bytes, size) == 0) return 1;
  return 0;
}

/* For development the master key is 96 random bytes; in production kmsProviders names a KMS, and
   fle_vault_open_file or fle_vault_open_mongodb keeps the data keys. */
static int open_keys(struct clinic* c) {
  uint8_t master_key[96];
  uint8_t found[16];
  int added = FLE_ERRC_NO_MEMORY;
  fle_vault* vault = fle_vault_open_memory(c->error);
  fle_providers* providers = fle_providers_create(NULL, 0, NULL, FLE_LOCK_BEST_EFFORT, c->error);
  fle_key_options* options = fle_key_options_create(c->error);
  DO(fle_random_bytes(master_key, sizeof master_key, c->error));
  if (providers != NULL)
    added = fle_providers_add_local(providers, "local", FLE_NUL, master_key, sizeof master_key,
                                    c->error);
  memset(master_key, 0, sizeof master_key);
  if (added == FLE_OK) c->keys = fle_keys_create(vault, providers, FLE_LOCK_BEST_EFFORT, c->error);
  /* What was made of them keeps what it needs. */
  fle_vault_destroy(vault);
  fle_providers_destroy(providers);
  CHECK(c->keys != NULL);

  DO(fle_key_options_add_name(options, "patients", FLE_NUL, c->error));
  DO(fle_keys_create_key(c->keys, c->key_id, options, c->error));
  fle_key_options_destroy(options);
  DO(fle_keys_find(c->keys, found, "patients", FLE_NUL, c->error));
  CHECK(memcmp(found, c->key_id, sizeof found) == 0);
  DO(fle_keys_get(c->keys, c->out, found, c->error));
  CHECK(has(c->out, "patients", 8));
  return 0;
}

static int read_schema(struct clinic* c) {
  char json[512];
  char hex[33];
  size_t i;
  for (i = 0; i < 16; ++i) sprintf(hex + 2 * i, "%02x", c->key_id[i]);
  snprintf(
      json, sizeof json,
      "{\"bsonType\": \"object\", \"properties\": {\"ssn\": {\"encrypt\": {\"bsonType\": \"int\","
      " \"algorithm\": \"AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic\", \"keyId\": [{\"$uuid\":"
      " \"%.8s-%.4s-%.4s-%.4s-%s\"}]}}}}",
      hex, hex + 8, hex + 12, hex + 16, hex + 20);
  c->schema = fle_schema_create(json, FLE_NUL, NULL, 0, c->error);
  CHECK(c->schema != NULL);
  c->cipher = fle_cipher_create(c->keys, c->schema, 0, c->error);
  CHECK(c->cipher != NULL);
  return 0;
}

/* A value alone: in memory of our own, and as a document. */
static int values(struct clinic* c, uint8_t payload[kPayload]) {
  uint8_t plain[64];
  size_t size = 0;
  int type = 0;
  DO(fle_encrypt_value_into(c->keys, NULL, &size, FLE_DETERMINISTIC, c->key_id, kInt, kSsn, 4,
                            c->error));
  CHECK(size == kPayload);
  DO(fle_encrypt_value_into(c->keys, payload, &size, FLE_DETERMINISTIC, c->key_id, kInt, kSsn, 4,
                            c->error));
  size = sizeof plain;
  DO(fle_decrypt_value_into(c->keys, plain, &size, &type, payload, kPayload, c->error));
  CHECK(type == kInt && size == 4 && memcmp(plain, kSsn, 4) == 0);

  DO(fle_encrypt_value(c->keys, c->out, FLE_DETERMINISTIC, c->key_id, kValue, sizeof kValue,
                       c->error));
  CHECK(has(c->out, payload, kPayload));
  DO(fle_decrypt_value(c->keys, c->back, fle_buffer_data(c->out), fle_buffer_size(c->out),
                       c->error));
  CHECK(is(c->back, kValue, sizeof kValue));
  return 0;
}

/* Documents, one behind the other or wherever they are: all of a call are one batch. */
static int documents(struct clinic* c, const uint8_t payload[kPayload]) {
  char both[2 * sizeof kPatient];
  const uint8_t* sealed = NULL;
  size_t size = 0;
  fle_batch* batch = fle_batch_create(c->error);
  memcpy(both, kPatient, sizeof kPatient);
  memcpy(both + sizeof kPatient, kPatient, sizeof kPatient);
  DO(fle_encrypt_documents(c->cipher, c->out, both, sizeof both, c->error));
  CHECK(fle_buffer_fields(c->out) == 2 && has(c->out, payload, kPayload) && !has(c->out, kSsn, 4));
  DO(fle_decrypt_documents(c->cipher, c->back, fle_buffer_data(c->out), fle_buffer_size(c->out),
                           c->error));
  CHECK(is(c->back, both, sizeof both));

  DO(fle_batch_add(batch, kPatient, sizeof kPatient, c->error));
  DO(fle_encrypt_batch(c->cipher, batch, c->error));
  sealed = fle_batch_output(batch, 0, &size);
  CHECK(fle_batch_fields(batch) == 1 && 2 * size == fle_buffer_size(c->out));
  CHECK(memcmp(sealed, fle_buffer_data(c->out), size) == 0);
  fle_batch_destroy(batch);
  return 0;
}

/* A search by an encrypted field. */
static int commands(struct clinic* c, const uint8_t payload[kPayload]) {
  c->commands = fle_commands_create(c->keys, 0, c->error);
  CHECK(c->commands != NULL);
  CHECK(fle_encrypt_command(c->commands, c->out, "clinic", FLE_NUL, kFind, sizeof kFind,
                            c->error) == FLE_ERRC_SCHEMA_MISSING);
  DO(fle_commands_set_schema(c->commands, "clinic.patients", FLE_NUL, c->schema, c->error));
  DO(fle_encrypt_command(c->commands, c->out, "clinic", FLE_NUL, kFind, sizeof kFind, c->error));
  CHECK(has(c->out, payload, kPayload) && !has(c->out, kSsn, 4));
  /* A server would answer with documents like this one. */
  DO(fle_encrypt_documents(c->cipher, c->out, kPatient, sizeof kPatient, c->error));
  DO(fle_decrypt_reply(c->commands, c->back, fle_buffer_data(c->out), fle_buffer_size(c->out),
                       c->error));
  CHECK(is(c->back, kPatient, sizeof kPatient));
  return 0;
}

/* Bytes as they come, here one by one. */
static int stream(struct clinic* c) {
  size_t i;
  c->stream = fle_stream_create(c->cipher, FLE_ENCRYPT, c->error);
  CHECK(c->stream != NULL);
  for (i = 0; i + 1 < sizeof kPatient; ++i)
    DO(fle_stream_push(c->stream, c->out, kPatient + i, 1, c->error));
  DO(fle_stream_flush(c->stream, c->out, c->error));
  CHECK(fle_buffer_size(c->out) == 0);
  DO(fle_stream_push(c->stream, c->out, kPatient + i, 1, c->error));
  DO(fle_stream_finish(c->stream, c->out, c->error));
  CHECK(fle_buffer_fields(c->out) == 1);
  DO(fle_decrypt_documents(c->cipher, c->back, fle_buffer_data(c->out), fle_buffer_size(c->out),
                           c->error));
  CHECK(is(c->back, kPatient, sizeof kPatient));
  return 0;
}

static int run(struct clinic* c) {
  uint8_t payload[kPayload];
  return open_keys(c) || read_schema(c) || values(c, payload) || documents(c, payload) ||
         commands(c, payload) || stream(c);
}

int main(void) {
  struct clinic c;
  int failed;
  memset(&c, 0, sizeof c);
  c.error = fle_error_create();
  c.out = fle_buffer_create();
  c.back = fle_buffer_create();
  failed = run(&c);
  fle_stream_destroy(c.stream);
  fle_commands_destroy(c.commands);
  fle_cipher_destroy(c.cipher);
  fle_schema_destroy(c.schema);
  fle_keys_destroy(c.keys);
  fle_buffer_destroy(c.back);
  fle_buffer_destroy(c.out);
  fle_error_destroy(c.error);
  if (!failed) printf("libfle %s: everything came back\n", fle_version());
  return failed;
}
