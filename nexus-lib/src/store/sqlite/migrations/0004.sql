-- Whose name the conversation's is: 8 bytes of the client's key's hash. Null in rows of earlier versions whose provider is
-- gone, and in those that began a conversation: they belong to whoever has the name.
ALTER TABLE ledger ADD COLUMN scope BLOB;

UPDATE ledger SET scope = (SELECT substr(client_key, 25, 8) FROM providers WHERE id = ledger.provider_id)
WHERE conversation_id IS NOT NULL;
