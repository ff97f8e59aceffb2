#ifndef FLE_EXPORT_H_
#define FLE_EXPORT_H_

/// Marks what a shared library exports; all else is hidden.
#define FLE_API [[gnu::visibility("default")]]

#endif  // FLE_EXPORT_H_
