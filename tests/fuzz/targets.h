/* The three targets. Each is one LLVMFuzzerTestOneInput(); compiled with -DFUZZ_TARGET=fuzz_NAME it has that
 * name, so that one program (replay.c) can hold them all.
 *
 *   container   any bytes as an archive
 *   payload     blocks described by the input, written with right checksums: what is behind the checks gets
 * to see them round_trip  any bytes, compressed in the way the first byte names, come back
 */
#ifndef LACONIC_TESTS_FUZZ_TARGETS_H
#define LACONIC_TESTS_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

typedef int fuzz_target(const uint8_t *data, size_t size);
fuzz_target fuzz_container, fuzz_payload, fuzz_round_trip;

#ifdef FUZZ_TARGET
fuzz_target FUZZ_TARGET;
#else
#define FUZZ_TARGET LLVMFuzzerTestOneInput
fuzz_target LLVMFuzzerTestOneInput;
#endif

#endif
