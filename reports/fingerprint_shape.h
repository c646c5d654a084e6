/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fingerprint_shape.h - what of hwloc's XML tells one machine from another, as text; read without hwloc.
 *
 * The shape holds packages, NUMA nodes, caches with their sizes, cores and processing units, as they nest. Left out is
 * what moves from boot to boot or with hwloc's release: numbers of objects, sets, local memory, pages, devices. */
#ifndef MUSTER_REPORTS_FINGERPRINT_SHAPE_H
#define MUSTER_REPORTS_FINGERPRINT_SHAPE_H

/* "Package(NUMANode L3:32768k(2x L2:1024k(L1:48k(Core(PU)))))", to be freed; NULL where the XML holds no such object.
 * 0, or -1 when memory is short. */
int shape_describe(const char *xml, char **text);

/* What the CPU says it is: vendor, family, model, stepping; or, on arm64, implementer, variant, part, revision. As
 * above. A model's name is often less than that: "AMD EPYC". */
int shape_identity(const char *xml, char **text);

#endif
