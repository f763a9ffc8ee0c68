//! The tables as diesel knows them. The migrations are what makes them; a test holds the two together.

diesel::table! {
    /// Conversations, each with the counters of everything in it.
    sessions (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        user_id -> Text,
        agent_id -> Nullable<Text>,
        status -> Text,
        metadata -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        previous_session_id -> Nullable<Uuid>,
        rev -> BigInt,
        version -> BigInt,
        last_seq -> BigInt,
        message_count -> BigInt,
        last_message_at -> Nullable<Timestamptz>,
        public_message_count -> BigInt,
        last_public_message_at -> Nullable<Timestamptz>,
        changed_before -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// What was said; a deleted message keeps its content here, for a restore.
    messages (tenant_id, session_id, seq) {
        tenant_id -> Text,
        session_id -> Uuid,
        seq -> BigInt,
        id -> Uuid,
        rev -> BigInt,
        sender_type -> Text,
        sender_id -> Text,
        content -> Text,
        message_type -> Text,
        metadata -> Text,
        reply_to -> Nullable<Uuid>,
        visibility -> Text,
        created_at -> Timestamptz,
        edited_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        extension_count -> Integer,
        idempotency_scope -> Nullable<Binary>,
        idempotency_command -> Nullable<Binary>,
    }
}

diesel::table! {
    /// What hangs on messages.
    message_extensions (tenant_id, message_id, id) {
        tenant_id -> Text,
        message_id -> Uuid,
        id -> Uuid,
        extension_type -> Text,
        data -> Text,
        created_at -> Timestamptz,
        maker_type -> Nullable<Text>,
        maker_id -> Nullable<Text>,
        unique_key -> Nullable<Binary>,
    }
}

diesel::table! {
    /// The edits of messages, each with the text that it replaced.
    message_edits (tenant_id, message_id, number) {
        tenant_id -> Text,
        message_id -> Uuid,
        number -> BigInt,
        id -> Uuid,
        edited_by -> Text,
        edited_at -> Timestamptz,
        content -> Text,
    }
}

diesel::table! {
    /// The keys of everything but messages.
    idempotency_keys (tenant_id, scope) {
        tenant_id -> Text,
        scope -> Binary,
        command -> Binary,
        resource_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Who did what to which thing.
    audit_entries (tenant_id, created_at, id) {
        tenant_id -> Text,
        created_at -> Timestamptz,
        id -> Uuid,
        actor_id -> Text,
        actor_role -> Text,
        action -> Text,
        thing_kind -> Text,
        thing_id -> Text,
        session_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    /// What is known of files.
    attachments (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        stage -> Text,
        session_id -> Uuid,
        message_id -> Nullable<Uuid>,
        uploaded_by -> Text,
        uploader_role -> Text,
        filename -> Text,
        content_type -> Text,
        size -> BigInt,
        sha256 -> Binary,
        created_at -> Timestamptz,
        idempotency_scope -> Nullable<Binary>,
        idempotency_command -> Nullable<Binary>,
    }
}

diesel::table! {
    /// What all files of a tenant take.
    attachment_usage (tenant_id) {
        tenant_id -> Text,
        bytes -> BigInt,
    }
}

diesel::table! {
    /// How far everybody has come in a session.
    participants (tenant_id, session_id, role, id) {
        tenant_id -> Text,
        session_id -> Uuid,
        role -> Text,
        id -> Text,
        read_seq -> BigInt,
        delivered_seq -> BigInt,
        visibility -> Text,
        rev -> BigInt,
        updated_at -> Timestamptz,
    }
}
