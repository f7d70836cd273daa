#include "renamed.h"

#include "../../Sources/CSystem/CSamples/tiles.c"
