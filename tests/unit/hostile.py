#!/usr/bin/env python3
"""Makes hostile.h5, the file of h5_test.c that lies in every way a reader must notice. Needs h5py.

The tests read the committed file; this says how it came to be:  python3 hostile.py hostile.h5
"""
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1], "w") as file:
    # Links to other files and places.
    file["link"] = h5py.ExternalLink("elsewhere.h5", "/group/inner/x")
    file["link_group"] = h5py.ExternalLink("elsewhere.h5", "/group")
    file["soft"] = h5py.SoftLink("/link")

    # Values in other files.
    file.create_dataset("outside", (2, 3), "f4", external=[("elsewhere.h5", 0, 24)])
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[...] = h5py.VirtualSource("elsewhere.h5", "/group/inner/x", (2, 3))
    file.create_virtual_dataset("virtual", layout)

    # Compressed: pieces of 64 MiB, and honest small ones.
    file.create_dataset("bomb", (1 << 20, 1 << 20), "f4", chunks=(1 << 12, 1 << 12), compression="gzip")
    file.create_dataset("small", (2, 3), "f4", chunks=(2, 3), compression="gzip")

    # Types and shapes that are no arrays of ours.
    odd = h5py.h5t.NATIVE_FLOAT.copy()
    odd.set_fields(31, 20, 11, 0, 20)
    h5py.h5d.create(file.id, b"odd", odd, h5py.h5s.create_simple((1,)))
    file.create_dataset("text", (1,), "S1")
    file.create_dataset("deep", (1, 1, 1, 1, 1), "f4")
    file["nothing"] = h5py.Empty("f4")

    # Sizes beyond memory, none of them stored.
    file.create_dataset("huge", (1 << 40, 1 << 30), "f4", chunks=(1, 1))
    file.create_dataset("large", (1 << 50,), "f4")

    # A group inside itself.
    file.create_group("cycle")
    file["cycle/again"] = file["cycle"]
