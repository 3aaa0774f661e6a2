/* suggest.c: edit distance, and when a word is near enough to be suggested. */
#include "suggest.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 63 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t pv_edit_distance(const char *a, const char *b)
{
    const size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST)
        return LONGEST + 1;
    size_t rows[3][LONGEST + 1]; /* distances of a's first i letters to b's first j: rows i-2, i-1, i */
    size_t *older = rows[0], *previous = rows[1], *current = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        previous[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            const size_t change = previous[j - 1] + (a[i - 1] != b[j - 1]);
            current[j] = smaller(change, smaller(previous[j], current[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                current[j] = smaller(current[j], older[j - 2] + 1);
        }
        size_t *free_row = older;
        older = previous;
        previous = current;
        current = free_row;
    }
    return previous[b_length];
}

void pv_suggestion_offer(struct pv_suggestion *suggestion, const char *word)
{
    const size_t length = strlen(suggestion->typed);
    const size_t allowed = length < 3 ? 1 : length < 9 ? 2 : 3;
    size_t distance = pv_edit_distance(suggestion->typed, word);
    if (distance > allowed && length >= 3 && strncmp(suggestion->typed, word, length) == 0)
        distance = allowed;                          /* the beginning of a longer word */
    const bool same_length = strlen(word) == length; /* of two as near, letters swapped rather than dropped */
    if (distance <= allowed && distance < length &&
        (!suggestion->best || distance < suggestion->distance || (distance == suggestion->distance && same_length))) {
        suggestion->best = word;
        suggestion->distance = distance;
    }
}
