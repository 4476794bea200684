/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles that release themselves when their scope ends, by the cleanup attribute of gcc and clang:
 *
 *     DEFER(result) struct result locked = {0};     // result_release(&locked) at every way out
 *
 * X_release must accept a zeroed struct and one that was released or handed on before.
 */
#ifndef TAGIH_BASE_DEFER_H
#define TAGIH_BASE_DEFER_H

#define DEFER(noun) __attribute__((cleanup(noun##_release)))

#endif
