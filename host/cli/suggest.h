/* suggest.h: "did you mean": the known word nearest to a mistyped one. */
#ifndef PV_CLI_SUGGEST_H
#define PV_CLI_SUGGEST_H

#include <stddef.h>

struct pv_suggestion {
    const char *typed;
    const char *best; /* NULL = nothing is near */
    size_t distance;
};

/* Single edits (one letter added, dropped, changed, or two neighbours swapped) from a to b: Damerau-Levenshtein,
 * restricted. Words beyond 63 letters are as far as can be. */
size_t pv_edit_distance(const char *a, const char *b);

/* Offers one known word: kept when it is near enough to be meant and nearer than those before. word must live as long
 * as the suggestion. */
void pv_suggestion_offer(struct pv_suggestion *suggestion, const char *word);

#endif
