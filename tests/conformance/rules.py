"""Every rule of the wire, in our own words, with the tests that prove it: what the reference of protocol.voice.v1
says, and the facts beside it (`WIRE.md`), section by section. A new rule starts here."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """A rule. `section`: of WIRE.md. `tests`: `file::name` below `tests`, or below the root for Rust's."""

    section: str
    rule: str
    tests: tuple[str, ...]


NUMBERS = "Field numbers and names"
HRPC = "hRPC"
JSON = "The JSON strings"
CLIENTS = "What real clients do"
DECIDED = "What the reference leaves to us"
EXTENSION = "Our extension"

WIRE = "conformance/test_wire.py"
PROTO = "test_proto.py"
ERRORS = "test_errors.py"
CODEC = "hrpc/test_codec.py"
SERVICE = "hrpc/test_service.py"
STREAMS = "server/test_hrpc.py"
ATTACKS = "server/test_attacks.py"
MEDIA = "server/test_media.py"
LIBRARY = "server/test_library.py"
ORDER = "voice/test_order.py"
CONSUMERS = "voice/test_consumers.py"
SWITCHES = "voice/test_extension.py"
MID_CALL = "voice/test_mid_call.py"
DECODING = "ortc/test_decoding.py"
NEGOTIATE = "ortc/test_negotiate.py"
PARAMETERS = "ortc/test_parameters.py"
INTEROP = "ortc/test_interop.py"
HANDSHAKE = "crates/media/tests/handshake.rs"


def _rule(section: str, rule: str, *tests: str) -> Rule:
    return Rule(section, rule, tests)


RULES = (
    _rule(
        NUMBERS,
        "messages, numbers and the misspelled names are the reference's",
        f"{PROTO}::test_names_and_numbers_are_the_wires",
        f"{PROTO}::test_bytes_on_the_wire",
    ),
    _rule(
        NUMBERS, "the service has one method, a stream both ways", f"{SERVICE}::test_the_voice_service_has_one_stream"
    ),
    _rule(
        NUMBERS,
        "whoever opens the stream is authenticated",
        f"{STREAMS}::test_a_token_that_is_none_gets_401_before_the_upgrade",
        f"{ATTACKS}::test_t14_a_foreign_page_may_bring_a_token_but_not_ride_on_a_cookie",
    ),
    _rule(
        NUMBERS,
        "each ICE candidate is one string with one whole JSON object",
        f"{WIRE}::test_transport_options_are_strings_of_whole_json_objects_and_plain_ids",
    ),
    _rule(
        HRPC,
        "a stream is a WebSocket at the method's path with the subprotocol hrpc1",
        f"{STREAMS}::test_a_stream_without_the_subprotocol_is_refused_before_the_upgrade",
        f"{STREAMS}::test_a_streaming_method_without_an_upgrade_says_so",
        f"{LIBRARY}::test_it_can_be_mounted_under_any_prefix",
    ),
    _rule(
        HRPC,
        "hrpc1 is echoed, the token offered beside it never",
        f"{STREAMS}::test_the_subprotocol_hrpc1_is_echoed_and_never_the_token",
        f"{CODEC}::test_a_token_is_never_shown_or_echoed",
    ),
    _rule(
        HRPC,
        "a browser's token is the second subprotocol",
        f"{STREAMS}::test_the_token_may_come_as_a_second_subprotocol",
        f"{CODEC}::test_a_token_comes_as_a_subprotocol_or_in_a_header",
    ),
    _rule(
        HRPC,
        "others send the Authorization header, with or without Bearer",
        f"{STREAMS}::test_the_token_may_come_in_the_authorization_header",
    ),
    _rule(HRPC, "a client's binary frame is one request", f"{CODEC}::test_a_request_is_one_frame"),
    _rule(HRPC, "a server's frame that begins with 0 is a response", f"{CODEC}::test_a_response_frame_begins_with_0"),
    _rule(HRPC, "a server's frame that begins with 1 is an error", f"{CODEC}::test_an_error_frame_begins_with_1"),
    _rule(HRPC, "a text frame is an error", f"{STREAMS}::test_a_text_frame_ends_the_stream_with_an_error"),
    _rule(HRPC, "an error has identifier, sentence and details", f"{ERRORS}::test_an_error_on_the_wire"),
    _rule(
        HRPC,
        "what goes away by itself says when to come back, as RetryInfo in the details",
        f"{ERRORS}::test_what_goes_away_says_when_to_come_back",
        f"{ATTACKS}::test_t13_too_many_requests_end_the_stream_with_a_time_to_come_back",
        f"{LIBRARY}::test_drain_tells_everybody_and_lets_nobody_in",
    ),
    _rule(
        HRPC,
        "before the upgrade an error is an HTTP status with the serialized error, its content type and hRPC's version",
        f"{SERVICE}::test_an_error_as_an_answer",
        f"{STREAMS}::test_a_plain_request_tells_what_would_keep_a_stream_out",
    ),
    _rule(
        HRPC,
        "a unary call is a POST of hRPC's content type",
        f"{SERVICE}::test_a_call_is_a_post_of_hrpc",
        f"{SERVICE}::test_a_call_of_something_else_is_refused",
        f"{SERVICE}::test_a_stream_is_no_post_and_a_call_no_websocket",
        "server/test_unary.py::test_a_call_is_answered_as_hrpc_answers",
        "server/test_unary.py::test_an_error_is_a_status_and_a_serialized_error",
    ),
    _rule(
        HRPC,
        "hRPC's seven identifiers have their statuses",
        f"{ERRORS}::test_reserved_identifiers_have_hrpcs_status",
    ),
    _rule(
        HRPC,
        "an unknown service is not found, an unknown method of a known one not implemented",
        f"{WIRE}::test_an_unknown_method_of_a_known_service_is_not_implemented_and_an_unknown_service_not_found",
        f"{SERVICE}::test_other_paths_are_not_found",
        f"{SERVICE}::test_another_method_of_a_service_that_is_here_is_not_implemented",
    ),
    _rule(
        HRPC, "our own faults are internal-server-error", f"{ATTACKS}::test_t20_our_own_faults_tell_the_client_nothing"
    ),
    _rule(
        HRPC,
        "identifiers of our own begin with hocket.",
        f"{ERRORS}::test_only_reserved_names_begin_with_hrpc",
        f"{ERRORS}::test_every_class_has_its_own_identifier",
    ),
    _rule(
        JSON,
        "the strings are mediasoup's shapes in camelCase, candidates with ip and address",
        f"{NEGOTIATE}::test_the_routers_capabilities_are_these",
        f"{PARAMETERS}::test_what_we_send_of_a_transport",
        f"{CONSUMERS}::test_the_transport_options_are_the_json_shapes_of_mediasoup",
        f"{WIRE}::test_transport_options_are_strings_of_whole_json_objects_and_plain_ids",
    ),
    _rule(
        JSON,
        "members that we do not know are ignored",
        f"{DECODING}::test_unknown_members_are_ignored_whatever_they_hold",
        f"{NEGOTIATE}::test_what_we_do_not_know_may_be_listed_beside",
    ),
    _rule(
        JSON,
        "members that we use are checked strictly",
        f"{DECODING}::test_a_wrong_text_is_named_where_it_is_wrong",
        f"{DECODING}::test_a_parameter_that_we_use_is_named_where_it_is_wrong",
    ),
    _rule(
        JSON,
        "ids are plain strings",
        f"{WIRE}::test_transport_options_are_strings_of_whole_json_objects_and_plain_ids",
        f"{CONSUMERS}::test_an_id_is_the_text_that_was_told_and_no_other_way_to_write_the_number",
    ),
    _rule(
        CLIENTS,
        "JoinChannel brings the receiving transport's fingerprint before anything is consumed",
        f"{CONSUMERS}::test_the_receiving_transport_gets_the_consumers_fingerprint_and_the_sending_one_the_producers",
        f"{MEDIA}::test_two_people_hear_each_other",
    ),
    _rule(
        CLIENTS,
        "fingerprints compare without regard to case",
        f"{PARAMETERS}::test_fingerprints_compare_without_regard_to_case",
    ),
    _rule(
        CLIENTS,
        "ICE and DTLS of the sending transport may run before its fingerprint is known; media waits for it",
        f"{HANDSHAKE}::the_handshake_runs_before_the_fingerprint_is_known_and_media_waits_for_it",
        f"{MEDIA}::test_t3_a_foreign_certificate_ends_the_stream_with_a_clear_error",
    ),
    _rule(
        CLIENTS,
        "a person alone has one connected transport, and stays",
        f"{WIRE}::test_a_person_alone_has_one_connected_transport_and_stays",
    ),
    _rule(
        CLIENTS,
        "what Chromium and Firefox send is understood, RED, NACK and audio levels or not",
        f"{INTEROP}::test_recorded_clients_can_talk",
        f"{PARAMETERS}::test_what_real_clients_send_is_read",
        f"{NEGOTIATE}::test_without_red_on_both_sides_it_is_opus_alone",
        f"{NEGOTIATE}::test_nack_goes_to_those_who_asked_for_it_whoever_speaks",
        f"{NEGOTIATE}::test_a_level_is_forwarded_only_where_one_is_sent",
    ),
    _rule(
        CLIENTS,
        "a client that is the DTLS server, or leaves the role open, gets our hello",
        f"{WIRE}::test_a_client_that_is_the_dtls_server_or_leaves_it_open_gets_our_client_hello",
        f"{HANDSHAKE}::an_open_role_without_a_hello_of_theirs_makes_us_the_client",
        f"{PARAMETERS}::test_a_role_is_one_of_three",
    ),
    _rule(
        CLIENTS,
        "a client that is the DTLS client is waited for",
        f"{WIRE}::test_a_client_that_is_the_dtls_client_is_waited_for",
    ),
    _rule(
        CLIENTS,
        "ids are whole uint64",
        f"{WIRE}::test_ids_above_2_63_come_back_as_they_went_in",
        f"{STREAMS}::test_the_token_may_come_as_a_second_subprotocol",
        f"{PROTO}::test_bytes_on_the_wire",
    ),
    _rule(
        CLIENTS,
        "header extensions have ids from 1 to 14",
        f"{NEGOTIATE}::test_an_extension_that_a_receiver_cannot_take_is_left_out",
        f"{NEGOTIATE}::test_the_routers_capabilities_are_these",
    ),
    _rule(
        DECIDED,
        "requests are answered in order, also those that were sent ahead",
        f"{STREAMS}::test_requests_sent_ahead_are_answered_in_order",
        f"{STREAMS}::test_answers_that_were_due_come_before_the_error",
        f"{ORDER}::test_requests_sent_ahead_are_answered_in_order",
    ),
    _rule(
        DECIDED,
        "JoinedChannel is the joiner's first word of the channel",
        f"{ORDER}::test_joined_channel_is_the_joiners_first_word_of_the_channel",
    ),
    _rule(
        DECIDED,
        "whoever was listed is not announced again",
        f"{ORDER}::test_a_user_who_was_listed_is_not_announced_again",
    ),
    _rule(
        DECIDED,
        "later joiners are announced in the order of joining",
        f"{ORDER}::test_later_joiners_are_announced_in_the_order_in_which_they_joined",
        f"{ORDER}::test_the_order_holds_whatever_people_do",
    ),
    _rule(
        DECIDED,
        "UserLeft comes after that user's UserJoined",
        f"{ORDER}::test_each_user_left_comes_after_that_users_user_joined",
    ),
    _rule(
        DECIDED,
        "a consumer starts paused",
        f"{CONSUMERS}::test_a_consumer_starts_paused_and_carries_nothing_until_resume_consumer",
    ),
    _rule(DECIDED, "resuming twice is harmless", f"{CONSUMERS}::test_resuming_twice_is_harmless"),
    _rule(
        DECIDED,
        "resuming what has just gone is fine",
        f"{CONSUMERS}::test_resuming_a_consumer_whose_user_has_just_left_is_silently_fine",
    ),
    _rule(
        DECIDED,
        "resuming what never was on this stream is an error",
        f"{CONSUMERS}::test_resuming_an_id_that_never_existed_on_this_stream_is_an_error",
        f"{CONSUMERS}::test_a_consumer_of_another_stream_cannot_be_resumed",
    ),
    _rule(
        DECIDED,
        "a consumer may be resumed as soon as JoinedChannel is read",
        f"{WIRE}::test_a_consumer_may_be_resumed_before_its_transport_has_done_ice_and_is_heard",
    ),
    _rule(
        DECIDED,
        "one channel a user: the newest stream wins, or what the operator chose",
        f"{ORDER}::test_one_channel_a_user_the_newest_stream_wins",
        f"{ORDER}::test_the_policy_reject_keeps_the_older_stream",
        f"{ORDER}::test_the_policy_allow_lets_a_user_be_in_several_channels",
    ),
    _rule(
        DECIDED,
        "a second stream of a user in one channel replaces the first",
        f"{ORDER}::test_a_second_stream_of_a_user_in_the_same_channel_always_replaces_the_first",
    ),
    _rule(
        DECIDED,
        "empty rtp_paramaters make a listener",
        f"{ORDER}::test_a_listener_gets_everyone_and_is_announced_to_nobody",
        f"{ORDER}::test_a_listener_is_not_listed_to_newcomers",
    ),
    _rule(
        DECIDED,
        "who may not speak can only listen",
        f"{ORDER}::test_a_user_without_the_right_to_speak_can_only_join_as_a_listener",
    ),
    _rule(
        DECIDED,
        "an error frame is the last one, then the WebSocket closes",
        f"{STREAMS}::test_an_error_frame_is_followed_by_a_websocket_close",
    ),
    _rule(
        DECIDED,
        "an error says what was wrong, and where",
        f"{CONSUMERS}::test_an_error_says_what_was_wrong_and_where",
        f"{ERRORS}::test_a_bad_member_is_named_by_its_path",
    ),
    _rule(
        DECIDED,
        "an error is that stream's alone",
        f"{ORDER}::test_an_error_leaves_the_other_participants_untouched",
        f"{ATTACKS}::test_t12_wrong_json_and_protobuf_cost_one_stream_and_nobody_else_notices",
    ),
    _rule(
        EXTENSION,
        "who did not ask for it hears nothing beyond the reference, and may not use it",
        f"{SWITCHES}::test_a_client_that_did_not_ask_is_sent_nothing_of_it",
        f"{SWITCHES}::test_a_client_that_did_not_ask_may_not_send_it",
    ),
    _rule(
        EXTENSION,
        "who asks gets the lower of both versions",
        f"{SWITCHES}::test_welcome_follows_initialized_with_the_lower_version",
    ),
    _rule(
        EXTENSION,
        "it travels in field 1000, which others skip",
        f"{PROTO}::test_names_and_numbers_are_the_wires",
        f"{PROTO}::test_one_who_does_not_know_the_extension_skips_it",
        f"{PROTO}::test_an_initialize_that_asks_for_the_extension_reads_the_same_without_it",
    ),
    _rule(
        EXTENSION,
        "clients mute, deafen, restart ICE and ask for a sign of life",
        f"{SWITCHES}::test_set_muted_pauses_the_producer_and_tells_the_others",
        f"{SWITCHES}::test_set_deafened_pauses_all_consumers_of_that_person_and_no_other",
        f"{SWITCHES}::test_restart_ice_gives_new_parameters_for_a_transport_of_this_stream",
        f"{SWITCHES}::test_a_ping_is_answered_at_once_by_a_pong_with_its_number",
        f"{SWITCHES}::test_a_request_of_a_newer_extension_is_skipped",
    ),
    _rule(
        EXTENSION,
        "moderators mute and kick others of their channel, and nobody else does",
        f"{MID_CALL}::test_a_moderator_mutes_others_and_takes_that_back",
        f"{MID_CALL}::test_a_moderator_kicks_and_the_user_stays_out_of_this_channel_until_allowed",
        f"{MID_CALL}::test_whoever_is_no_moderator_ends_its_own_stream_and_harms_nobody",
    ),
    _rule(
        EXTENSION,
        "they are told of names, switches, who speaks, quality and notices",
        f"{SWITCHES}::test_a_participant_has_name_and_switches",
        f"{SWITCHES}::test_speaking_is_told_to_all_and_to_the_app",
        f"{SWITCHES}::test_quality_tells_the_worse_of_the_two_transports",
        f"{LIBRARY}::test_notify_reaches_those_who_speak_our_extension",
    ),
)
