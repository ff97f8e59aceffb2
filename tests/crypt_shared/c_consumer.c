/* A consumer of mongo_crypt_v1.so as drivers are: plain C, the library opened by its path. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <bson/bson.h>

#include "mongo_crypt_v1.h"

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      return 1;                                                               \
    }                                                                         \
  } while (0)

/* ISO C has no conversion from void* to a function, POSIX promises the same representation. */
#define LOAD(name)                                           \
  do {                                                       \
    void* symbol = dlsym(library, "mongo_crypt_v1_" #name);  \
    CHECK(symbol != NULL);                                   \
    memcpy(&name, &symbol, sizeof name);                     \
  } while (0)

static const char kSchema[] =
    "{\"bsonType\": \"object\", \"properties\": {\"ssn\": {\"encrypt\": {\"bsonType\": \"string\","
    "\"algorithm\": \"AEAD_AES_256_CBC_HMAC_SHA_512-Random\", \"keyId\": [{\"$binary\": {"
    "\"base64\": \"AAAAAAAAAAAAAAAAAAAAAA==\", \"subType\": \"04\"}}]}}}}";

static bson_t* make_command(void) {
  char json[1024];
  int n = snprintf(json, sizeof json,
                   "{\"insert\": \"patients\", \"documents\": [{\"_id\": 1, \"ssn\": \"901\"}],"
                   "\"$db\": \"clinic\", \"jsonSchema\": %s, \"isRemoteSchema\": false}",
                   kSchema);
  if (n < 0 || (size_t)n >= sizeof json) return NULL;
  return bson_new_from_json((const uint8_t*)json, n, NULL);
}

static int check_reply(const uint8_t* data, uint32_t size) {
  bson_t reply;
  bson_iter_t iter;
  bson_iter_t at;
  uint32_t n = 0;
  bson_subtype_t subtype = BSON_SUBTYPE_BINARY;
  const uint8_t* binary = NULL;
  CHECK(bson_init_static(&reply, data, size));
  CHECK(bson_iter_init_find(&iter, &reply, "hasEncryptionPlaceholders") && bson_iter_bool(&iter));
  CHECK(bson_iter_init_find(&iter, &reply, "schemaRequiresEncryption") && bson_iter_bool(&iter));
  CHECK(bson_iter_init_find(&iter, &reply, "ok") && bson_iter_double(&iter) > 0.5);
  CHECK(bson_iter_init(&iter, &reply));
  CHECK(bson_iter_find_descendant(&iter, "result.documents.0.ssn", &at));
  CHECK(BSON_ITER_HOLDS_BINARY(&at));
  bson_iter_binary(&at, &subtype, &n, &binary);
  CHECK((int)subtype == 6 && n > 1 && binary[0] == 0);
  CHECK(bson_iter_init(&iter, &reply) && !bson_iter_find_descendant(&iter, "result.$db", &at));
  CHECK(bson_iter_init(&iter, &reply) &&
        !bson_iter_find_descendant(&iter, "result.jsonSchema", &at));
  return 0;
}

static int play(void* library) {
  mongo_crypt_v1_status* (*status_create)(void);
  void (*status_destroy)(mongo_crypt_v1_status*);
  int (*status_get_error)(const mongo_crypt_v1_status*);
  const char* (*status_get_explanation)(const mongo_crypt_v1_status*);
  mongo_crypt_v1_lib* (*lib_create)(mongo_crypt_v1_status*);
  int (*lib_destroy)(mongo_crypt_v1_lib*, mongo_crypt_v1_status*);
  uint64_t (*get_version)(void);
  mongo_crypt_v1_query_analyzer* (*query_analyzer_create)(mongo_crypt_v1_lib*,
                                                          mongo_crypt_v1_status*);
  void (*query_analyzer_destroy)(mongo_crypt_v1_query_analyzer*);
  uint8_t* (*analyze_query)(mongo_crypt_v1_query_analyzer*, const uint8_t*, const char*, uint32_t,
                            uint32_t*, mongo_crypt_v1_status*);
  void (*bson_free)(uint8_t*);
  mongo_crypt_v1_status* status;
  mongo_crypt_v1_lib* lib;
  mongo_crypt_v1_query_analyzer* analyzer;
  bson_t* command;
  uint8_t* reply;
  uint32_t size = 0;

  LOAD(status_create);
  LOAD(status_destroy);
  LOAD(status_get_error);
  LOAD(status_get_explanation);
  LOAD(lib_create);
  LOAD(lib_destroy);
  LOAD(get_version);
  LOAD(query_analyzer_create);
  LOAD(query_analyzer_destroy);
  LOAD(analyze_query);
  LOAD(bson_free);

  CHECK(get_version() >> 32 >= 0x00080001);
  status = status_create();
  CHECK(status != NULL && status_get_error(status) == MONGO_CRYPT_V1_SUCCESS);
  lib = lib_create(status);
  CHECK(lib != NULL);
  analyzer = query_analyzer_create(lib, status);
  CHECK(analyzer != NULL);

  command = make_command();
  CHECK(command != NULL);
  reply = analyze_query(analyzer, bson_get_data(command), "clinic.patients", 15, &size, status);
  if (reply == NULL) fprintf(stderr, "%s\n", status_get_explanation(status));
  CHECK(reply != NULL && status_get_error(status) == MONGO_CRYPT_V1_SUCCESS);
  CHECK(check_reply(reply, size) == 0);

  bson_free(reply);
  bson_destroy(command);
  query_analyzer_destroy(analyzer);
  CHECK(lib_destroy(lib, status) == MONGO_CRYPT_V1_SUCCESS);
  status_destroy(status);
  return 0;
}

int main(int argc, char** argv) {
  void* library;
  int failed;
  CHECK(argc == 2);
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(library != NULL);
  failed = play(library);
  CHECK(dlclose(library) == 0);
  return failed;
}
