"""The road in: what arrives is read, decided and written here, whoever sent it."""
