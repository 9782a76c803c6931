/* The shapes of AMX's eight tile registers, as LDTILECFG reads them (palette 1). Include it where the
 * intrinsics of the tile unit, or their model, are declared.
 */
#ifndef LACONIC_KERNELS_AMX_REGISTERS_H
#define LACONIC_KERNELS_AMX_REGISTERS_H

#include <stdint.h>

enum { AMX_REGISTERS = 8, AMX_HEIGHT = 16, AMX_WIDTH = 64 };

struct amx_shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* All registers at their full size. */
static inline struct amx_shapes amx_full_shapes(void) {
    struct amx_shapes s = {.palette = 1};
    for (int t = 0; t < AMX_REGISTERS; t++) {
        s.row_bytes[t] = AMX_WIDTH;
        s.rows[t] = AMX_HEIGHT;
    }
    return s;
}

/* GCC 12's tile intrinsics do not tell the compiler what memory they read (of LDTILECFG's 64 bytes the first
 * eight), so it could drop the stores or move them behind. */
static inline void amx_finish_stores(void) {
    __asm__ volatile("" ::: "memory");
}

#endif
