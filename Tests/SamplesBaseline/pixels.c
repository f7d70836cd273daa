#include "renamed.h"

#include "../../Sources/CSystem/CSamples/pixels.c"
