/* Nothing but the header: it must compile alone, in the oldest C. */
#include "mongo_crypt_v1.h"

/* And be usable there. */
typedef int (*fle_get_error)(const mongo_crypt_v1_status*);
fle_get_error fle_c89_uses_the_header(void);
fle_get_error fle_c89_uses_the_header(void) { return mongo_crypt_v1_status_get_error; }
