// Package keyserver is our KMIP key server: the operations over a store, the
// ownership of objects, and the audit log.
//
// A client is an endpoint, known by its certificate, and owns what it creates. It
// sees its own objects only: another's is Item Not Found, as one that does not
// exist, so that nobody learns what others have. An administrator sees the
// attributes of every object and may activate, revoke and destroy it, but gets no
// key bytes, changes no attribute and makes no object.
//
// What the clients ask about (attributes and states) is in memory; key bytes are
// read and decrypted for each Get. A change is durable before it is answered and
// before anyone sees it, and memory always equals the store. After a failure of
// the store the object concerned is read again.
//
// Names are unique among an owner's objects that are not destroyed, unless
// [Options].DuplicateNames says otherwise. Destroy erases the key bytes and frees
// the names; the attributes stay, and Get Attributes shows them. Locate finds a
// destroyed object only if the request asks for its State, its Destroy Date or its
// Unique Identifier: clients list their keys without asking for states. Locate
// lists the oldest first, so that the pages of a client do not shift when objects
// are made meanwhile.
package keyserver
