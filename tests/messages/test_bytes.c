/*  test_bytes.c - runs of bytes, the buffer, memory and the names of outcomes. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "messages/bytes.h"
#include "messages/memory.h"
#include "messages/status.h"

Test (memory, is_zeroed_and_never_null)
{
    uint8_t *memory = memory_new (100, 3);
    for (size_t i = 0; i < 300; i++)
        cr_assert_eq (memory[i], 0);
    free (memory);
    memory = memory_new (0, 8);
    cr_assert_not_null (memory);
    memory = memory_resize (memory, 10, 2);
    memset (memory, 1, 20);
    memory = memory_resize (memory, 0, 2);
    cr_assert_not_null (memory);
    free (memory);
    char *text = memory_text ("abc", 2);
    cr_assert_str_eq (text, "ab");
    free (text);
    text = memory_string ("");
    cr_assert_str_eq (text, "");
    free (text);
}

Test (memory, ends_the_process_when_the_size_overflows, .signal = SIGABRT)
{
    memory_resize (NULL, SIZE_MAX / 2, 3);
}

Test (bytes, views_are_not_owned)
{
    char text[] = "cart";
    bytes_t view = bytes_text (text);
    cr_assert_eq (view.data, (uint8_t *) text);
    cr_assert_eq (view.size, 4);
    cr_assert_not (view.owned);
    bytes_clear (&view); /* would crash if it freed the text */
    cr_assert_null (view.data);
    bytes_clear (&view);
}

Test (bytes, taking_moves_what_is_owned_and_copies_what_is_lent)
{
    bytes_t owned = bytes_copy ("wheel", 5);
    uint8_t *place = owned.data;
    bytes_t taken = bytes_take (&owned);
    cr_assert_eq (taken.data, place);
    cr_assert (taken.owned);
    cr_assert_not (owned.owned);
    cr_assert (bytes_equal (owned, taken));
    bytes_t copied = bytes_take (&owned);
    cr_assert_neq (copied.data, place);
    cr_assert (copied.owned);
    cr_assert (bytes_equal (copied, taken));
    bytes_clear (&owned);
    bytes_clear (&taken);
    cr_assert_eq (memcmp (copied.data, "wheel", 5), 0);
    bytes_clear (&copied);
    bytes_t nothing = {0};
    bytes_t taken_nothing = bytes_take (&nothing);
    cr_assert (taken_nothing.owned);
    cr_assert_eq (taken_nothing.size, 0);
    bytes_clear (&taken_nothing);
}

Test (bytes, order_is_that_of_memcmp_with_prefixes_first)
{
    static const char *const ordered[] = {"", "a", "aa", "ab", "b", "\xff"};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            int order = bytes_compare (bytes_text (ordered[i]), bytes_text (ordered[j]));
            cr_assert_eq (order < 0, i < j);
            cr_assert_eq (order > 0, i > j);
            cr_assert_eq (bytes_equal (bytes_text (ordered[i]), bytes_text (ordered[j])), i == j);
        }
    cr_assert (bytes_equal ((bytes_t){0}, bytes_text ("")));
    cr_assert_eq (bytes_compare ((bytes_t){0}, bytes_text ("")), 0);
}

Test (buffer, refuses_what_would_pass_its_maximum)
{
    buffer_t buffer;
    buffer_init (&buffer, 100);
    for (size_t i = 0; i < 9; i++)
        cr_assert_eq (buffer_append (&buffer, "0123456789", 10), 0);
    cr_assert_eq (buffer_append (&buffer, "0123456789x", 11), -1);
    cr_assert (buffer.overflowed);
    cr_assert_eq (buffer.size, 90);
    cr_assert_eq (buffer_append (&buffer, "0123456789", 10), 0);
    cr_assert_eq (buffer_append (&buffer, NULL, 0), 0);
    cr_assert_eq (buffer_append (&buffer, "x", 1), -1);
    cr_assert_eq (buffer_print (&buffer, "%d", 1), -1);
    cr_assert_eq (buffer_view (&buffer).size, 100);
    bytes_t taken = buffer_take (&buffer);
    cr_assert (taken.owned);
    cr_assert_eq (memcmp (taken.data + 90, "0123456789", 10), 0);
    cr_assert_eq (buffer.size, 0);
    cr_assert_not (buffer.overflowed);
    cr_assert_eq (buffer_append (&buffer, "again", 5), 0);
    cr_assert_eq (taken.size, 100);
    bytes_clear (&taken);
    buffer_clear (&buffer);
    buffer_clear (&buffer);
    cr_assert_eq (buffer.maximum, 100);
}

Test (buffer, prints_without_a_nul)
{
    buffer_t buffer;
    buffer_init (&buffer, 8);
    cr_assert_eq (buffer_print (&buffer, "%s %d", "abc", 1234), 0);
    cr_assert (bytes_equal (buffer_view (&buffer), bytes_text ("abc 1234")));
    cr_assert_eq (buffer_print (&buffer, "%s", ""), 0);
    buffer_clear (&buffer);
    cr_assert_eq (buffer_print (&buffer, "%s", "123456789"), -1);
    cr_assert (buffer.overflowed);
    cr_assert_eq (buffer.size, 0);
    buffer_clear (&buffer);
}

Test (buffer, grows_to_any_size_with_the_same_bytes)
{
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t byte = (uint8_t) (i * 7);
        cr_assert_eq (buffer_append (&buffer, &byte, 1), 0);
    }
    for (unsigned i = 0; i < 100000; i++)
        cr_assert_eq (buffer.data[i], (uint8_t) (i * 7));
    buffer_clear (&buffer);
}

Test (status, names_are_those_of_the_contract)
{
    cr_assert_str_eq (status_name (STATUS_OK), "ok");
    cr_assert_str_eq (status_name (STATUS_TOO_MANY_SIBLINGS), "too_many_siblings");
    cr_assert_str_eq (status_name (STATUS_COUNT), "internal");
    cr_assert_str_eq (status_name ((status_t) 4000), "internal");
    cr_assert_str_eq (result_name (RESULT_STORED), "stored");
    cr_assert_str_eq (result_name (RESULT_COUNT), "refused");
    for (unsigned i = 0; i < STATUS_COUNT; i++)
        cr_assert_eq (status_find (status_name ((status_t) i)), i);
    cr_assert_eq (status_find ("fine"), STATUS_COUNT);
    cr_assert_eq (status_find (""), STATUS_COUNT);
}
