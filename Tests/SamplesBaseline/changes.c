#include "renamed.h"

#include "../../Sources/CSystem/CSamples/changes.c"
