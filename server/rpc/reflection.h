/* SPDX-License-Identifier: Apache-2.0 */
/* The contract as data, for tools that learn an API from the server itself: which file declares which name. */
#ifndef TAGIH_RPC_REFLECTION_H
#define TAGIH_RPC_REFLECTION_H

#include "tagih/bytes.h"
#include "tagih/err.h"

struct reflection;

/**
 * Index a serialised google.protobuf.FileDescriptorSet: every message, enum, service and method by its full name.
 *
 * @param set  outlives the index, which points into it
 * @param out  [out] to be closed with reflection_close; NULL on error
 * @return OK · REQUEST_MALFORMED not such a set · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err reflection_open(struct bytes set, struct reflection **out);
void reflection_close(struct reflection *reflection);

#define REFLECTION_NONE ((size_t)-1)

/** The number of the file of this name, or of the one that declares this full name ("tagih.v1.Visit",
 *  "tagih.v1.VisitService.ListDay"); REFLECTION_NONE when there is none. O(log n). */
size_t reflection_find_file(const struct reflection *reflection, const char *file_name);
size_t reflection_find_symbol(const struct reflection *reflection, const char *full_name);

/** How many files there are. */
size_t reflection_count(const struct reflection *reflection);

/** A file's serialised FileDescriptorProto. */
struct bytes reflection_file(const struct reflection *reflection, size_t file);

/**
 * A file and all that it imports, importers first.
 *
 * @param out  [out] numbers of files; room for reflection_count()
 * @return how many
 */
size_t reflection_closure(const struct reflection *reflection, size_t file, size_t *out);

#endif
