/* Ids: integers of any width that number the rows of something. */
#ifndef PD_CORE_IDS_H
#define PD_CORE_IDS_H

#include <stdint.h>

/* Id i of an array; a uint64 beyond int64 is negative here. */
static inline int64_t pd_id_at(const void *ids, int64_t bytes,
                               int64_t is_signed, int64_t i) {
    switch (bytes * 2 + is_signed) {
    case 2: return ((const uint8_t *)ids)[i];
    case 3: return ((const int8_t *)ids)[i];
    case 4: return ((const uint16_t *)ids)[i];
    case 5: return ((const int16_t *)ids)[i];
    case 8: return ((const uint32_t *)ids)[i];
    case 9: return ((const int32_t *)ids)[i];
    default: return ((const int64_t *)ids)[i];
    }
}

#endif
