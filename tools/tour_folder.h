/*  tour_folder.h - the folder that holds the nodes' data: made empty, measured, and removed if it is temporary. */
#ifndef CARTWHEEL_TOUR_FOLDER_H
#define CARTWHEEL_TOUR_FOLDER_H

#include "tour.h"

typedef struct {
    char *path; /* owned */
    bool temporary;
} folder_t;

/*  Makes tour->data, which must be empty if it is there, or a temporary folder. -1 after a complaint; folder_clear in
 *  both cases. */
int folder_make (folder_t *self, const tour_t *tour);
/*  Bytes that its files take on the disk. */
uint64_t folder_disk (const folder_t *self);
/*  Removes it if it is temporary. */
void folder_clear (folder_t *self);

#endif
