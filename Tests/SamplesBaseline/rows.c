#include "renamed.h"

#include "../../Sources/CSystem/CSamples/rows.c"
