/* The table of Wagner and Fischer (1974), one row of it at a time. */
#include "text/edit_distance.h"

int edit_distance(const int32_t *a, int a_count, const int32_t *b, int b_count, int *scratch) {
    int *row = scratch; /* row[j]: the distance of a's first i ids to b's first j */
    for (int j = 0; j <= b_count; j++)
        row[j] = j;
    for (int i = 1; i <= a_count; i++) {
        int diagonal = row[0]; /* of the row before, at j - 1 */
        row[0] = i;
        for (int j = 1; j <= b_count; j++) {
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            int other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1; /* a deletion or an insertion */
            diagonal = row[j];
            row[j] = replaced < other ? replaced : other;
        }
    }
    return row[b_count];
}
