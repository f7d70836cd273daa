#include "renamed.h"

#include "../../Sources/CSystem/CSamples/sixels.c"
