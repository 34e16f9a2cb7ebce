//! Arguments -> Commands -> tables and JSON. Knows the protocol only.
