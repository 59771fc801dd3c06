/*  tour_acts.h - what the tour shows, act by act. */
#ifndef CARTWHEEL_TOUR_ACTS_H
#define CARTWHEEL_TOUR_ACTS_H

#include "tour_cluster.h"
#include "tour_records.h"

/*  Plays all acts. 0 when everything was as it should be, else -1 after a complaint, or when the tour is to end. */
int acts_play (const tour_t *tour, cluster_t *cluster, const records_t *records);

#endif
