package kmip

// reasonIn returns the code that a version has for a failure: reason is 1.x's, reason2 what
// 2.x calls it, or 0. It is used where an answer is encoded, and nowhere else.
func reasonIn(v Version, reason, reason2 ResultReason) ResultReason {
	if v.Major < 2 {
		return reason
	}
	if reason2 != 0 {
		return reason2
	}
	switch reason { // 2.x has taken their codes away
	case ReasonIllegalOperation:
		return ReasonPermissionDenied
	case ReasonIndexOutOfBounds:
		return ReasonServerLimitExceeded
	}
	return reason
}

// reasonOf2 returns what 1.x would say in the place of a reason of 2.x, by which programs
// decide. Only Object Not Found is Item Not Found: an attribute or a wrapping key that is
// missing must not be taken for a key that does not exist.
func reasonOf2(op Operation, reason ResultReason) ResultReason {
	switch reason {
	case ReasonObjectNotFound:
		return ReasonItemNotFound
	case ReasonNonUniqueNameAttribute:
		if op == OpAddAttribute || op == OpModifyAttribute || op == OpSetAttribute {
			return ReasonIllegalOperation
		}
		return ReasonInvalidField
	case ReasonObjectDestroyed, ReasonAttributeSingleValued, ReasonMultiValuedAttribute:
		return ReasonIllegalOperation
	case ReasonWrongKeyLifecycleState, ReasonAttributeReadOnly, ReasonReadOnlyAttribute, ReasonIncompatibleCryptographicUsageMask,
		ReasonUsageLimitExceeded, ReasonNotAuthorised, ReasonConstraintViolation:
		return ReasonPermissionDenied
	case ReasonInvalidTicket, ReasonBadPassword:
		return ReasonAuthenticationNotSuccessful
	case ReasonWrappingObjectArchived:
		return ReasonObjectArchived
	case ReasonInternalServerError, ReasonServerLimitExceeded:
		return ReasonGeneralFailure
	case ReasonCodecError, ReasonUnsupportedProtocolVersion:
		return ReasonInvalidMessage
	case ReasonUnknownMessageExtension, ReasonKeyWrapTypeNotSupported, ReasonProtectionStorageUnavailable,
		ReasonPrivateProtectionStorageUnavailable, ReasonPublicProtectionStorageUnavailable,
		ReasonPKCS11CodecError, ReasonPKCS11InvalidFunction, ReasonPKCS11InvalidInterface:
		return ReasonFeatureNotSupported
	}
	if reason > ReasonObjectAlreadyExists && reason < ReasonGeneralFailure {
		return ReasonInvalidField
	}
	return reason
}
