#ifndef FLE_FLE_H_
#define FLE_FLE_H_

/// All that an embedder of libfle::libfle calls. Whoever counts compile time names what is used:
/// each of these stands alone. Not in here: libbson (fle/bson/libbson.h) and libfle::mongoc.

#include "fle/aead.h"
#include "fle/bson/cursor.h"
#include "fle/bson/extended_json.h"
#include "fle/bson/type.h"
#include "fle/bson/writer.h"
#include "fle/bytes.h"
#include "fle/client/auto_encrypter.h"
#include "fle/client/client_encryption.h"
#include "fle/client/document_cipher.h"
#include "fle/client/field_counters.h"
#include "fle/client/value_cipher.h"
#include "fle/data_key.h"
#include "fle/errc.h"
#include "fle/failure.h"
#include "fle/kms/create_data_key.h"
#include "fle/kms/exchange.h"
#include "fle/kms/key_document.h"
#include "fle/kms/key_filter.h"
#include "fle/kms/key_ring.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/kms_options.h"
#include "fle/kms/provider.h"
#include "fle/kms/rewrap.h"
#include "fle/kms/seal.h"
#include "fle/query/analysis.h"
#include "fle/query/analyzer.h"
#include "fle/random.h"
#include "fle/result.h"
#include "fle/schema/compile.h"
#include "fle/schema/lint.h"
#include "fle/schema/plan.h"
#include "fle/secret.h"
#include "fle/try.h"
#include "fle/types.h"
#include "fle/version.h"
#include "fle/wiped.h"

#endif  // FLE_FLE_H_
