// A library needs a source; its precompiled header is what it is for (FLE_PRECOMPILE).
