//! The tables, as `migrations/sqlite` makes them.

diesel::table! {
    sessions (tenant_id, id) {
        tenant_id -> Text,
        id -> Binary,
        user_id -> Text,
        agent_id -> Nullable<Text>,
        status -> Text,
        ended_at -> Nullable<BigInt>,
        previous_session_id -> Nullable<Binary>,
        created_at -> BigInt,
        updated_at -> BigInt,
        rev -> BigInt,
        version -> BigInt,
        last_seq -> BigInt,
        message_count -> BigInt,
        last_message_at -> Nullable<BigInt>,
        public_message_count -> BigInt,
        last_public_message_at -> Nullable<BigInt>,
        metadata -> Text,
    }
}

diesel::table! {
    messages (tenant_id, session_id, seq) {
        tenant_id -> Text,
        session_id -> Binary,
        seq -> BigInt,
        id -> Binary,
        rev -> BigInt,
        sender_type -> Text,
        sender_id -> Text,
        message_type -> Text,
        visibility -> Text,
        reply_to -> Nullable<Binary>,
        created_at -> BigInt,
        edited_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        extension_count -> BigInt,
        idempotency_scope -> Nullable<Binary>,
        idempotency_command -> Nullable<Binary>,
        metadata -> Text,
        content -> Text,
    }
}

diesel::table! {
    message_extensions (tenant_id, message_id, id) {
        tenant_id -> Text,
        message_id -> Binary,
        id -> Binary,
        extension_type -> Text,
        created_at -> BigInt,
        data -> Text,
        maker_type -> Nullable<Text>,
        maker_id -> Nullable<Text>,
        unique_key -> Nullable<Binary>,
    }
}

diesel::table! {
    message_edits (tenant_id, message_id, number) {
        tenant_id -> Text,
        message_id -> Binary,
        number -> BigInt,
        id -> Binary,
        edited_by -> Text,
        edited_at -> BigInt,
        content -> Text,
    }
}

diesel::table! {
    idempotency_keys (tenant_id, scope) {
        tenant_id -> Text,
        scope -> Binary,
        command -> Binary,
        resource_id -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    audit_entries (tenant_id, created_at, id) {
        tenant_id -> Text,
        created_at -> BigInt,
        id -> Binary,
        actor_id -> Text,
        actor_role -> Text,
        action -> Text,
        thing_kind -> Text,
        thing_id -> Text,
        session_id -> Nullable<Binary>,
    }
}

diesel::table! {
    attachments (tenant_id, id) {
        tenant_id -> Text,
        id -> Binary,
        stage -> Text,
        session_id -> Binary,
        message_id -> Nullable<Binary>,
        uploaded_by -> Text,
        uploader_role -> Text,
        filename -> Text,
        content_type -> Text,
        size -> BigInt,
        sha256 -> Binary,
        created_at -> BigInt,
        idempotency_scope -> Nullable<Binary>,
        idempotency_command -> Nullable<Binary>,
    }
}

diesel::table! {
    attachment_usage (tenant_id) {
        tenant_id -> Text,
        bytes -> BigInt,
    }
}

diesel::table! {
    participants (tenant_id, session_id, role, id) {
        tenant_id -> Text,
        session_id -> Binary,
        role -> Text,
        id -> Text,
        read_seq -> BigInt,
        delivered_seq -> BigInt,
        visibility -> Text,
        rev -> BigInt,
        updated_at -> BigInt,
    }
}
