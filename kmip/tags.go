package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// The tags of KMIP 1.0 to 1.4 (KMIP 1.4, 9.1.3.1), and of 2.0 and 2.1 (KMIP 2.1, 11). A tag newer than a message's
// version is never sent in it.
const (
	TagActivationDate                        ttlv.Tag = 0x420001
	TagApplicationData                       ttlv.Tag = 0x420002
	TagApplicationNamespace                  ttlv.Tag = 0x420003
	TagApplicationSpecificInformation        ttlv.Tag = 0x420004
	TagArchiveDate                           ttlv.Tag = 0x420005
	TagAsynchronousCorrelationValue          ttlv.Tag = 0x420006
	TagAsynchronousIndicator                 ttlv.Tag = 0x420007
	TagAttribute                             ttlv.Tag = 0x420008
	TagAttributeIndex                        ttlv.Tag = 0x420009
	TagAttributeName                         ttlv.Tag = 0x42000A
	TagAttributeValue                        ttlv.Tag = 0x42000B
	TagAuthentication                        ttlv.Tag = 0x42000C
	TagBatchCount                            ttlv.Tag = 0x42000D
	TagBatchErrorContinuationOption          ttlv.Tag = 0x42000E
	TagBatchItem                             ttlv.Tag = 0x42000F
	TagBatchOrderOption                      ttlv.Tag = 0x420010
	TagBlockCipherMode                       ttlv.Tag = 0x420011
	TagCancellationResult                    ttlv.Tag = 0x420012
	TagCertificate                           ttlv.Tag = 0x420013
	TagCertificateIdentifier                 ttlv.Tag = 0x420014
	TagCertificateIssuer                     ttlv.Tag = 0x420015
	TagCertificateIssuerAlternativeName      ttlv.Tag = 0x420016
	TagCertificateIssuerDistinguishedName    ttlv.Tag = 0x420017
	TagCertificateRequest                    ttlv.Tag = 0x420018
	TagCertificateRequestType                ttlv.Tag = 0x420019
	TagCertificateSubject                    ttlv.Tag = 0x42001A
	TagCertificateSubjectAlternativeName     ttlv.Tag = 0x42001B
	TagCertificateSubjectDistinguishedName   ttlv.Tag = 0x42001C
	TagCertificateType                       ttlv.Tag = 0x42001D
	TagCertificateValue                      ttlv.Tag = 0x42001E
	TagCommonTemplateAttribute               ttlv.Tag = 0x42001F
	TagCompromiseDate                        ttlv.Tag = 0x420020
	TagCompromiseOccurrenceDate              ttlv.Tag = 0x420021
	TagContactInformation                    ttlv.Tag = 0x420022
	TagCredential                            ttlv.Tag = 0x420023
	TagCredentialType                        ttlv.Tag = 0x420024
	TagCredentialValue                       ttlv.Tag = 0x420025
	TagCriticalityIndicator                  ttlv.Tag = 0x420026
	TagCRTCoefficient                        ttlv.Tag = 0x420027
	TagCryptographicAlgorithm                ttlv.Tag = 0x420028
	TagCryptographicDomainParameters         ttlv.Tag = 0x420029
	TagCryptographicLength                   ttlv.Tag = 0x42002A
	TagCryptographicParameters               ttlv.Tag = 0x42002B
	TagCryptographicUsageMask                ttlv.Tag = 0x42002C
	TagCustomAttribute                       ttlv.Tag = 0x42002D
	TagD                                     ttlv.Tag = 0x42002E
	TagDeactivationDate                      ttlv.Tag = 0x42002F
	TagDerivationData                        ttlv.Tag = 0x420030
	TagDerivationMethod                      ttlv.Tag = 0x420031
	TagDerivationParameters                  ttlv.Tag = 0x420032
	TagDestroyDate                           ttlv.Tag = 0x420033
	TagDigest                                ttlv.Tag = 0x420034
	TagDigestValue                           ttlv.Tag = 0x420035
	TagEncryptionKeyInformation              ttlv.Tag = 0x420036
	TagG                                     ttlv.Tag = 0x420037
	TagHashingAlgorithm                      ttlv.Tag = 0x420038
	TagInitialDate                           ttlv.Tag = 0x420039
	TagInitializationVector                  ttlv.Tag = 0x42003A
	TagIssuer                                ttlv.Tag = 0x42003B
	TagIterationCount                        ttlv.Tag = 0x42003C
	TagIVCounterNonce                        ttlv.Tag = 0x42003D
	TagJ                                     ttlv.Tag = 0x42003E
	TagKey                                   ttlv.Tag = 0x42003F
	TagKeyBlock                              ttlv.Tag = 0x420040
	TagKeyCompressionType                    ttlv.Tag = 0x420041
	TagKeyFormatType                         ttlv.Tag = 0x420042
	TagKeyMaterial                           ttlv.Tag = 0x420043
	TagKeyPartIdentifier                     ttlv.Tag = 0x420044
	TagKeyValue                              ttlv.Tag = 0x420045
	TagKeyWrappingData                       ttlv.Tag = 0x420046
	TagKeyWrappingSpecification              ttlv.Tag = 0x420047
	TagLastChangeDate                        ttlv.Tag = 0x420048
	TagLeaseTime                             ttlv.Tag = 0x420049
	TagLink                                  ttlv.Tag = 0x42004A
	TagLinkType                              ttlv.Tag = 0x42004B
	TagLinkedObjectIdentifier                ttlv.Tag = 0x42004C
	TagMACSignature                          ttlv.Tag = 0x42004D
	TagMACSignatureKeyInformation            ttlv.Tag = 0x42004E
	TagMaximumItems                          ttlv.Tag = 0x42004F
	TagMaximumResponseSize                   ttlv.Tag = 0x420050
	TagMessageExtension                      ttlv.Tag = 0x420051
	TagModulus                               ttlv.Tag = 0x420052
	TagName                                  ttlv.Tag = 0x420053
	TagNameType                              ttlv.Tag = 0x420054
	TagNameValue                             ttlv.Tag = 0x420055
	TagObjectGroup                           ttlv.Tag = 0x420056
	TagObjectType                            ttlv.Tag = 0x420057
	TagOffset                                ttlv.Tag = 0x420058
	TagOpaqueDataType                        ttlv.Tag = 0x420059
	TagOpaqueDataValue                       ttlv.Tag = 0x42005A
	TagOpaqueObject                          ttlv.Tag = 0x42005B
	TagOperation                             ttlv.Tag = 0x42005C
	TagOperationPolicyName                   ttlv.Tag = 0x42005D
	TagP                                     ttlv.Tag = 0x42005E
	TagPaddingMethod                         ttlv.Tag = 0x42005F
	TagPrimeExponentP                        ttlv.Tag = 0x420060
	TagPrimeExponentQ                        ttlv.Tag = 0x420061
	TagPrimeFieldSize                        ttlv.Tag = 0x420062
	TagPrivateExponent                       ttlv.Tag = 0x420063
	TagPrivateKey                            ttlv.Tag = 0x420064
	TagPrivateKeyTemplateAttribute           ttlv.Tag = 0x420065
	TagPrivateKeyUniqueIdentifier            ttlv.Tag = 0x420066
	TagProcessStartDate                      ttlv.Tag = 0x420067
	TagProtectStopDate                       ttlv.Tag = 0x420068
	TagProtocolVersion                       ttlv.Tag = 0x420069
	TagProtocolVersionMajor                  ttlv.Tag = 0x42006A
	TagProtocolVersionMinor                  ttlv.Tag = 0x42006B
	TagPublicExponent                        ttlv.Tag = 0x42006C
	TagPublicKey                             ttlv.Tag = 0x42006D
	TagPublicKeyTemplateAttribute            ttlv.Tag = 0x42006E
	TagPublicKeyUniqueIdentifier             ttlv.Tag = 0x42006F
	TagPutFunction                           ttlv.Tag = 0x420070
	TagQ                                     ttlv.Tag = 0x420071
	TagQString                               ttlv.Tag = 0x420072
	TagQlength                               ttlv.Tag = 0x420073
	TagQueryFunction                         ttlv.Tag = 0x420074
	TagRecommendedCurve                      ttlv.Tag = 0x420075
	TagReplacedUniqueIdentifier              ttlv.Tag = 0x420076
	TagRequestHeader                         ttlv.Tag = 0x420077
	TagRequestMessage                        ttlv.Tag = 0x420078
	TagRequestPayload                        ttlv.Tag = 0x420079
	TagResponseHeader                        ttlv.Tag = 0x42007A
	TagResponseMessage                       ttlv.Tag = 0x42007B
	TagResponsePayload                       ttlv.Tag = 0x42007C
	TagResultMessage                         ttlv.Tag = 0x42007D
	TagResultReason                          ttlv.Tag = 0x42007E
	TagResultStatus                          ttlv.Tag = 0x42007F
	TagRevocationMessage                     ttlv.Tag = 0x420080
	TagRevocationReason                      ttlv.Tag = 0x420081
	TagRevocationReasonCode                  ttlv.Tag = 0x420082
	TagKeyRoleType                           ttlv.Tag = 0x420083
	TagSalt                                  ttlv.Tag = 0x420084
	TagSecretData                            ttlv.Tag = 0x420085
	TagSecretDataType                        ttlv.Tag = 0x420086
	TagSerialNumber                          ttlv.Tag = 0x420087
	TagServerInformation                     ttlv.Tag = 0x420088
	TagSplitKey                              ttlv.Tag = 0x420089
	TagSplitKeyMethod                        ttlv.Tag = 0x42008A
	TagSplitKeyParts                         ttlv.Tag = 0x42008B
	TagSplitKeyThreshold                     ttlv.Tag = 0x42008C
	TagState                                 ttlv.Tag = 0x42008D
	TagStorageStatusMask                     ttlv.Tag = 0x42008E
	TagSymmetricKey                          ttlv.Tag = 0x42008F
	TagTemplate                              ttlv.Tag = 0x420090
	TagTemplateAttribute                     ttlv.Tag = 0x420091
	TagTimeStamp                             ttlv.Tag = 0x420092
	TagUniqueBatchItemID                     ttlv.Tag = 0x420093
	TagUniqueIdentifier                      ttlv.Tag = 0x420094
	TagUsageLimits                           ttlv.Tag = 0x420095
	TagUsageLimitsCount                      ttlv.Tag = 0x420096
	TagUsageLimitsTotal                      ttlv.Tag = 0x420097
	TagUsageLimitsUnit                       ttlv.Tag = 0x420098
	TagUsername                              ttlv.Tag = 0x420099
	TagValidityDate                          ttlv.Tag = 0x42009A
	TagValidityIndicator                     ttlv.Tag = 0x42009B
	TagVendorExtension                       ttlv.Tag = 0x42009C
	TagVendorIdentification                  ttlv.Tag = 0x42009D
	TagWrappingMethod                        ttlv.Tag = 0x42009E
	TagX                                     ttlv.Tag = 0x42009F
	TagY                                     ttlv.Tag = 0x4200A0
	TagPassword                              ttlv.Tag = 0x4200A1
	TagDeviceIdentifier                      ttlv.Tag = 0x4200A2
	TagEncodingOption                        ttlv.Tag = 0x4200A3
	TagExtensionInformation                  ttlv.Tag = 0x4200A4
	TagExtensionName                         ttlv.Tag = 0x4200A5
	TagExtensionTag                          ttlv.Tag = 0x4200A6
	TagExtensionType                         ttlv.Tag = 0x4200A7
	TagFresh                                 ttlv.Tag = 0x4200A8
	TagMachineIdentifier                     ttlv.Tag = 0x4200A9
	TagMediaIdentifier                       ttlv.Tag = 0x4200AA
	TagNetworkIdentifier                     ttlv.Tag = 0x4200AB
	TagObjectGroupMember                     ttlv.Tag = 0x4200AC
	TagCertificateLength                     ttlv.Tag = 0x4200AD
	TagDigitalSignatureAlgorithm             ttlv.Tag = 0x4200AE
	TagCertificateSerialNumber               ttlv.Tag = 0x4200AF
	TagDeviceSerialNumber                    ttlv.Tag = 0x4200B0
	TagIssuerAlternativeName                 ttlv.Tag = 0x4200B1
	TagIssuerDistinguishedName               ttlv.Tag = 0x4200B2
	TagSubjectAlternativeName                ttlv.Tag = 0x4200B3
	TagSubjectDistinguishedName              ttlv.Tag = 0x4200B4
	TagX509CertificateIdentifier             ttlv.Tag = 0x4200B5
	TagX509CertificateIssuer                 ttlv.Tag = 0x4200B6
	TagX509CertificateSubject                ttlv.Tag = 0x4200B7
	TagKeyValueLocation                      ttlv.Tag = 0x4200B8
	TagKeyValueLocationValue                 ttlv.Tag = 0x4200B9
	TagKeyValueLocationType                  ttlv.Tag = 0x4200BA
	TagKeyValuePresent                       ttlv.Tag = 0x4200BB
	TagOriginalCreationDate                  ttlv.Tag = 0x4200BC
	TagPGPKey                                ttlv.Tag = 0x4200BD
	TagPGPKeyVersion                         ttlv.Tag = 0x4200BE
	TagAlternativeName                       ttlv.Tag = 0x4200BF
	TagAlternativeNameValue                  ttlv.Tag = 0x4200C0
	TagAlternativeNameType                   ttlv.Tag = 0x4200C1
	TagData                                  ttlv.Tag = 0x4200C2
	TagSignatureData                         ttlv.Tag = 0x4200C3
	TagDataLength                            ttlv.Tag = 0x4200C4
	TagRandomIV                              ttlv.Tag = 0x4200C5
	TagMACData                               ttlv.Tag = 0x4200C6
	TagAttestationType                       ttlv.Tag = 0x4200C7
	TagNonce                                 ttlv.Tag = 0x4200C8
	TagNonceID                               ttlv.Tag = 0x4200C9
	TagNonceValue                            ttlv.Tag = 0x4200CA
	TagAttestationMeasurement                ttlv.Tag = 0x4200CB
	TagAttestationAssertion                  ttlv.Tag = 0x4200CC
	TagIVLength                              ttlv.Tag = 0x4200CD
	TagTagLength                             ttlv.Tag = 0x4200CE
	TagFixedFieldLength                      ttlv.Tag = 0x4200CF
	TagCounterLength                         ttlv.Tag = 0x4200D0
	TagInitialCounterValue                   ttlv.Tag = 0x4200D1
	TagInvocationFieldLength                 ttlv.Tag = 0x4200D2
	TagAttestationCapableIndicator           ttlv.Tag = 0x4200D3
	TagOffsetItems                           ttlv.Tag = 0x4200D4
	TagLocatedItems                          ttlv.Tag = 0x4200D5
	TagCorrelationValue                      ttlv.Tag = 0x4200D6
	TagInitIndicator                         ttlv.Tag = 0x4200D7
	TagFinalIndicator                        ttlv.Tag = 0x4200D8
	TagRNGParameters                         ttlv.Tag = 0x4200D9
	TagRNGAlgorithm                          ttlv.Tag = 0x4200DA
	TagDRBGAlgorithm                         ttlv.Tag = 0x4200DB
	TagFIPS186Variation                      ttlv.Tag = 0x4200DC
	TagPredictionResistance                  ttlv.Tag = 0x4200DD
	TagRandomNumberGenerator                 ttlv.Tag = 0x4200DE
	TagValidationInformation                 ttlv.Tag = 0x4200DF
	TagValidationAuthorityType               ttlv.Tag = 0x4200E0
	TagValidationAuthorityCountry            ttlv.Tag = 0x4200E1
	TagValidationAuthorityURI                ttlv.Tag = 0x4200E2
	TagValidationVersionMajor                ttlv.Tag = 0x4200E3
	TagValidationVersionMinor                ttlv.Tag = 0x4200E4
	TagValidationType                        ttlv.Tag = 0x4200E5
	TagValidationLevel                       ttlv.Tag = 0x4200E6
	TagValidationCertificateIdentifier       ttlv.Tag = 0x4200E7
	TagValidationCertificateURI              ttlv.Tag = 0x4200E8
	TagValidationVendorURI                   ttlv.Tag = 0x4200E9
	TagValidationProfile                     ttlv.Tag = 0x4200EA
	TagProfileInformation                    ttlv.Tag = 0x4200EB
	TagProfileName                           ttlv.Tag = 0x4200EC
	TagServerURI                             ttlv.Tag = 0x4200ED
	TagServerPort                            ttlv.Tag = 0x4200EE
	TagStreamingCapability                   ttlv.Tag = 0x4200EF
	TagAsynchronousCapability                ttlv.Tag = 0x4200F0
	TagAttestationCapability                 ttlv.Tag = 0x4200F1
	TagUnwrapMode                            ttlv.Tag = 0x4200F2
	TagDestroyAction                         ttlv.Tag = 0x4200F3
	TagShreddingAlgorithm                    ttlv.Tag = 0x4200F4
	TagRNGMode                               ttlv.Tag = 0x4200F5
	TagClientRegistrationMethod              ttlv.Tag = 0x4200F6
	TagCapabilityInformation                 ttlv.Tag = 0x4200F7
	TagKeyWrapType                           ttlv.Tag = 0x4200F8
	TagBatchUndoCapability                   ttlv.Tag = 0x4200F9
	TagBatchContinueCapability               ttlv.Tag = 0x4200FA
	TagPKCS12FriendlyName                    ttlv.Tag = 0x4200FB
	TagDescription                           ttlv.Tag = 0x4200FC
	TagComment                               ttlv.Tag = 0x4200FD
	TagAuthenticatedEncryptionAdditionalData ttlv.Tag = 0x4200FE
	TagAuthenticatedEncryptionTag            ttlv.Tag = 0x4200FF
	TagSaltLength                            ttlv.Tag = 0x420100
	TagMaskGenerator                         ttlv.Tag = 0x420101
	TagMaskGeneratorHashingAlgorithm         ttlv.Tag = 0x420102
	TagPSource                               ttlv.Tag = 0x420103
	TagTrailerField                          ttlv.Tag = 0x420104
	TagClientCorrelationValue                ttlv.Tag = 0x420105
	TagServerCorrelationValue                ttlv.Tag = 0x420106
	TagDigestedData                          ttlv.Tag = 0x420107
	TagCertificateSubjectCn                  ttlv.Tag = 0x420108
	TagCertificateSubjectO                   ttlv.Tag = 0x420109
	TagCertificateSubjectOu                  ttlv.Tag = 0x42010A
	TagCertificateSubjectEmail               ttlv.Tag = 0x42010B
	TagCertificateSubjectC                   ttlv.Tag = 0x42010C
	TagCertificateSubjectSt                  ttlv.Tag = 0x42010D
	TagCertificateSubjectL                   ttlv.Tag = 0x42010E
	TagCertificateSubjectUid                 ttlv.Tag = 0x42010F
	TagCertificateSubjectSerialNumber        ttlv.Tag = 0x420110
	TagCertificateSubjectTitle               ttlv.Tag = 0x420111
	TagCertificateSubjectDc                  ttlv.Tag = 0x420112
	TagCertificateSubjectDnQualifier         ttlv.Tag = 0x420113
	TagCertificateIssuerCn                   ttlv.Tag = 0x420114
	TagCertificateIssuerO                    ttlv.Tag = 0x420115
	TagCertificateIssuerOu                   ttlv.Tag = 0x420116
	TagCertificateIssuerEmail                ttlv.Tag = 0x420117
	TagCertificateIssuerC                    ttlv.Tag = 0x420118
	TagCertificateIssuerSt                   ttlv.Tag = 0x420119
	TagCertificateIssuerL                    ttlv.Tag = 0x42011A
	TagCertificateIssuerUid                  ttlv.Tag = 0x42011B
	TagCertificateIssuerSerialNumber         ttlv.Tag = 0x42011C
	TagCertificateIssuerTitle                ttlv.Tag = 0x42011D
	TagCertificateIssuerDc                   ttlv.Tag = 0x42011E
	TagCertificateIssuerDnQualifier          ttlv.Tag = 0x42011F
	TagSensitive                             ttlv.Tag = 0x420120
	TagAlwaysSensitive                       ttlv.Tag = 0x420121
	TagExtractable                           ttlv.Tag = 0x420122
	TagNeverExtractable                      ttlv.Tag = 0x420123
	TagReplaceExisting                       ttlv.Tag = 0x420124
	TagAttributes                            ttlv.Tag = 0x420125
	TagCommonAttributes                      ttlv.Tag = 0x420126
	TagPrivateKeyAttributes                  ttlv.Tag = 0x420127
	TagPublicKeyAttributes                   ttlv.Tag = 0x420128
	TagExtensionEnumeration                  ttlv.Tag = 0x420129
	TagExtensionAttribute                    ttlv.Tag = 0x42012A
	TagExtensionParentStructureTag           ttlv.Tag = 0x42012B
	TagExtensionDescription                  ttlv.Tag = 0x42012C
	TagServerName                            ttlv.Tag = 0x42012D
	TagServerSerialNumber                    ttlv.Tag = 0x42012E
	TagServerVersion                         ttlv.Tag = 0x42012F
	TagServerLoad                            ttlv.Tag = 0x420130
	TagProductName                           ttlv.Tag = 0x420131
	TagBuildLevel                            ttlv.Tag = 0x420132
	TagBuildDate                             ttlv.Tag = 0x420133
	TagClusterInfo                           ttlv.Tag = 0x420134
	TagAlternateFailoverEndpoints            ttlv.Tag = 0x420135
	TagShortUniqueIdentifier                 ttlv.Tag = 0x420136
	TagTag                                   ttlv.Tag = 0x420138
	TagCertificateRequestUniqueIdentifier    ttlv.Tag = 0x420139
	TagNISTKeyType                           ttlv.Tag = 0x42013A
	TagAttributeReference                    ttlv.Tag = 0x42013B
	TagCurrentAttribute                      ttlv.Tag = 0x42013C
	TagNewAttribute                          ttlv.Tag = 0x42013D
	TagCertificateRequestValue               ttlv.Tag = 0x420140
	TagLogMessage                            ttlv.Tag = 0x420141
	TagProfileVersion                        ttlv.Tag = 0x420142
	TagProfileVersionMajor                   ttlv.Tag = 0x420143
	TagProfileVersionMinor                   ttlv.Tag = 0x420144
	TagProtectionLevel                       ttlv.Tag = 0x420145
	TagProtectionPeriod                      ttlv.Tag = 0x420146
	TagQuantumSafe                           ttlv.Tag = 0x420147
	TagQuantumSafeCapability                 ttlv.Tag = 0x420148
	TagTicket                                ttlv.Tag = 0x420149
	TagTicketType                            ttlv.Tag = 0x42014A
	TagTicketValue                           ttlv.Tag = 0x42014B
	TagRequestCount                          ttlv.Tag = 0x42014C
	TagRights                                ttlv.Tag = 0x42014D
	TagObjects                               ttlv.Tag = 0x42014E
	TagOperations                            ttlv.Tag = 0x42014F
	TagRight                                 ttlv.Tag = 0x420150
	TagEndpointRole                          ttlv.Tag = 0x420151
	TagDefaultsInformation                   ttlv.Tag = 0x420152
	TagObjectDefaults                        ttlv.Tag = 0x420153
	TagEphemeral                             ttlv.Tag = 0x420154
	TagServerHashedPassword                  ttlv.Tag = 0x420155
	TagOneTimePassword                       ttlv.Tag = 0x420156
	TagHashedPassword                        ttlv.Tag = 0x420157
	TagAdjustmentType                        ttlv.Tag = 0x420158
	TagPKCS11Interface                       ttlv.Tag = 0x420159
	TagPKCS11Function                        ttlv.Tag = 0x42015A
	TagPKCS11InputParameters                 ttlv.Tag = 0x42015B
	TagPKCS11OutputParameters                ttlv.Tag = 0x42015C
	TagPKCS11ReturnCode                      ttlv.Tag = 0x42015D
	TagProtectionStorageMask                 ttlv.Tag = 0x42015E
	TagProtectionStorageMasks                ttlv.Tag = 0x42015F
	TagInteropFunction                       ttlv.Tag = 0x420160
	TagInteropIdentifier                     ttlv.Tag = 0x420161
	TagAdjustmentValue                       ttlv.Tag = 0x420162
	TagCommonProtectionStorageMasks          ttlv.Tag = 0x420163
	TagPrivateProtectionStorageMasks         ttlv.Tag = 0x420164
	TagPublicProtectionStorageMasks          ttlv.Tag = 0x420165
	TagObjectGroups                          ttlv.Tag = 0x420166
	TagObjectTypes                           ttlv.Tag = 0x420167
	TagConstraints                           ttlv.Tag = 0x420168
	TagConstraint                            ttlv.Tag = 0x420169
	TagRotateInterval                        ttlv.Tag = 0x42016A
	TagRotateAutomatic                       ttlv.Tag = 0x42016B
	TagRotateOffset                          ttlv.Tag = 0x42016C
	TagRotateDate                            ttlv.Tag = 0x42016D
	TagRotateGeneration                      ttlv.Tag = 0x42016E
	TagRotateName                            ttlv.Tag = 0x42016F
	TagRotateNameValue                       ttlv.Tag = 0x420170
	TagRotateNameType                        ttlv.Tag = 0x420171
	TagRotateLatest                          ttlv.Tag = 0x420172
	TagAsynchronousRequest                   ttlv.Tag = 0x420173
	TagSubmissionDate                        ttlv.Tag = 0x420174
	TagProcessingStage                       ttlv.Tag = 0x420175
	TagAsynchronousCorrelationValues         ttlv.Tag = 0x420176
)

// tagNames holds the names that the specification uses, by the tag less
// tagBase.
var tagNames = [...]string{
	TagActivationDate - tagBase:                        "Activation Date",
	TagApplicationData - tagBase:                       "Application Data",
	TagApplicationNamespace - tagBase:                  "Application Namespace",
	TagApplicationSpecificInformation - tagBase:        "Application Specific Information",
	TagArchiveDate - tagBase:                           "Archive Date",
	TagAsynchronousCorrelationValue - tagBase:          "Asynchronous Correlation Value",
	TagAsynchronousIndicator - tagBase:                 "Asynchronous Indicator",
	TagAttribute - tagBase:                             "Attribute",
	TagAttributeIndex - tagBase:                        "Attribute Index",
	TagAttributeName - tagBase:                         "Attribute Name",
	TagAttributeValue - tagBase:                        "Attribute Value",
	TagAuthentication - tagBase:                        "Authentication",
	TagBatchCount - tagBase:                            "Batch Count",
	TagBatchErrorContinuationOption - tagBase:          "Batch Error Continuation Option",
	TagBatchItem - tagBase:                             "Batch Item",
	TagBatchOrderOption - tagBase:                      "Batch Order Option",
	TagBlockCipherMode - tagBase:                       "Block Cipher Mode",
	TagCancellationResult - tagBase:                    "Cancellation Result",
	TagCertificate - tagBase:                           "Certificate",
	TagCertificateIdentifier - tagBase:                 "Certificate Identifier",
	TagCertificateIssuer - tagBase:                     "Certificate Issuer",
	TagCertificateIssuerAlternativeName - tagBase:      "Certificate Issuer Alternative Name",
	TagCertificateIssuerDistinguishedName - tagBase:    "Certificate Issuer Distinguished Name",
	TagCertificateRequest - tagBase:                    "Certificate Request",
	TagCertificateRequestType - tagBase:                "Certificate Request Type",
	TagCertificateSubject - tagBase:                    "Certificate Subject",
	TagCertificateSubjectAlternativeName - tagBase:     "Certificate Subject Alternative Name",
	TagCertificateSubjectDistinguishedName - tagBase:   "Certificate Subject Distinguished Name",
	TagCertificateType - tagBase:                       "Certificate Type",
	TagCertificateValue - tagBase:                      "Certificate Value",
	TagCommonTemplateAttribute - tagBase:               "Common Template-Attribute",
	TagCompromiseDate - tagBase:                        "Compromise Date",
	TagCompromiseOccurrenceDate - tagBase:              "Compromise Occurrence Date",
	TagContactInformation - tagBase:                    "Contact Information",
	TagCredential - tagBase:                            "Credential",
	TagCredentialType - tagBase:                        "Credential Type",
	TagCredentialValue - tagBase:                       "Credential Value",
	TagCriticalityIndicator - tagBase:                  "Criticality Indicator",
	TagCRTCoefficient - tagBase:                        "CRT Coefficient",
	TagCryptographicAlgorithm - tagBase:                "Cryptographic Algorithm",
	TagCryptographicDomainParameters - tagBase:         "Cryptographic Domain Parameters",
	TagCryptographicLength - tagBase:                   "Cryptographic Length",
	TagCryptographicParameters - tagBase:               "Cryptographic Parameters",
	TagCryptographicUsageMask - tagBase:                "Cryptographic Usage Mask",
	TagCustomAttribute - tagBase:                       "Custom Attribute",
	TagD - tagBase:                                     "D",
	TagDeactivationDate - tagBase:                      "Deactivation Date",
	TagDerivationData - tagBase:                        "Derivation Data",
	TagDerivationMethod - tagBase:                      "Derivation Method",
	TagDerivationParameters - tagBase:                  "Derivation Parameters",
	TagDestroyDate - tagBase:                           "Destroy Date",
	TagDigest - tagBase:                                "Digest",
	TagDigestValue - tagBase:                           "Digest Value",
	TagEncryptionKeyInformation - tagBase:              "Encryption Key Information",
	TagG - tagBase:                                     "G",
	TagHashingAlgorithm - tagBase:                      "Hashing Algorithm",
	TagInitialDate - tagBase:                           "Initial Date",
	TagInitializationVector - tagBase:                  "Initialization Vector",
	TagIssuer - tagBase:                                "Issuer",
	TagIterationCount - tagBase:                        "Iteration Count",
	TagIVCounterNonce - tagBase:                        "IV/Counter/Nonce",
	TagJ - tagBase:                                     "J",
	TagKey - tagBase:                                   "Key",
	TagKeyBlock - tagBase:                              "Key Block",
	TagKeyCompressionType - tagBase:                    "Key Compression Type",
	TagKeyFormatType - tagBase:                         "Key Format Type",
	TagKeyMaterial - tagBase:                           "Key Material",
	TagKeyPartIdentifier - tagBase:                     "Key Part Identifier",
	TagKeyValue - tagBase:                              "Key Value",
	TagKeyWrappingData - tagBase:                       "Key Wrapping Data",
	TagKeyWrappingSpecification - tagBase:              "Key Wrapping Specification",
	TagLastChangeDate - tagBase:                        "Last Change Date",
	TagLeaseTime - tagBase:                             "Lease Time",
	TagLink - tagBase:                                  "Link",
	TagLinkType - tagBase:                              "Link Type",
	TagLinkedObjectIdentifier - tagBase:                "Linked Object Identifier",
	TagMACSignature - tagBase:                          "MAC/Signature",
	TagMACSignatureKeyInformation - tagBase:            "MAC/Signature Key Information",
	TagMaximumItems - tagBase:                          "Maximum Items",
	TagMaximumResponseSize - tagBase:                   "Maximum Response Size",
	TagMessageExtension - tagBase:                      "Message Extension",
	TagModulus - tagBase:                               "Modulus",
	TagName - tagBase:                                  "Name",
	TagNameType - tagBase:                              "Name Type",
	TagNameValue - tagBase:                             "Name Value",
	TagObjectGroup - tagBase:                           "Object Group",
	TagObjectType - tagBase:                            "Object Type",
	TagOffset - tagBase:                                "Offset",
	TagOpaqueDataType - tagBase:                        "Opaque Data Type",
	TagOpaqueDataValue - tagBase:                       "Opaque Data Value",
	TagOpaqueObject - tagBase:                          "Opaque Object",
	TagOperation - tagBase:                             "Operation",
	TagOperationPolicyName - tagBase:                   "Operation Policy Name",
	TagP - tagBase:                                     "P",
	TagPaddingMethod - tagBase:                         "Padding Method",
	TagPrimeExponentP - tagBase:                        "Prime Exponent P",
	TagPrimeExponentQ - tagBase:                        "Prime Exponent Q",
	TagPrimeFieldSize - tagBase:                        "Prime Field Size",
	TagPrivateExponent - tagBase:                       "Private Exponent",
	TagPrivateKey - tagBase:                            "Private Key",
	TagPrivateKeyTemplateAttribute - tagBase:           "Private Key Template-Attribute",
	TagPrivateKeyUniqueIdentifier - tagBase:            "Private Key Unique Identifier",
	TagProcessStartDate - tagBase:                      "Process Start Date",
	TagProtectStopDate - tagBase:                       "Protect Stop Date",
	TagProtocolVersion - tagBase:                       "Protocol Version",
	TagProtocolVersionMajor - tagBase:                  "Protocol Version Major",
	TagProtocolVersionMinor - tagBase:                  "Protocol Version Minor",
	TagPublicExponent - tagBase:                        "Public Exponent",
	TagPublicKey - tagBase:                             "Public Key",
	TagPublicKeyTemplateAttribute - tagBase:            "Public Key Template-Attribute",
	TagPublicKeyUniqueIdentifier - tagBase:             "Public Key Unique Identifier",
	TagPutFunction - tagBase:                           "Put Function",
	TagQ - tagBase:                                     "Q",
	TagQString - tagBase:                               "Q String",
	TagQlength - tagBase:                               "Qlength",
	TagQueryFunction - tagBase:                         "Query Function",
	TagRecommendedCurve - tagBase:                      "Recommended Curve",
	TagReplacedUniqueIdentifier - tagBase:              "Replaced Unique Identifier",
	TagRequestHeader - tagBase:                         "Request Header",
	TagRequestMessage - tagBase:                        "Request Message",
	TagRequestPayload - tagBase:                        "Request Payload",
	TagResponseHeader - tagBase:                        "Response Header",
	TagResponseMessage - tagBase:                       "Response Message",
	TagResponsePayload - tagBase:                       "Response Payload",
	TagResultMessage - tagBase:                         "Result Message",
	TagResultReason - tagBase:                          "Result Reason",
	TagResultStatus - tagBase:                          "Result Status",
	TagRevocationMessage - tagBase:                     "Revocation Message",
	TagRevocationReason - tagBase:                      "Revocation Reason",
	TagRevocationReasonCode - tagBase:                  "Revocation Reason Code",
	TagKeyRoleType - tagBase:                           "Key Role Type",
	TagSalt - tagBase:                                  "Salt",
	TagSecretData - tagBase:                            "Secret Data",
	TagSecretDataType - tagBase:                        "Secret Data Type",
	TagSerialNumber - tagBase:                          "Serial Number",
	TagServerInformation - tagBase:                     "Server Information",
	TagSplitKey - tagBase:                              "Split Key",
	TagSplitKeyMethod - tagBase:                        "Split Key Method",
	TagSplitKeyParts - tagBase:                         "Split Key Parts",
	TagSplitKeyThreshold - tagBase:                     "Split Key Threshold",
	TagState - tagBase:                                 "State",
	TagStorageStatusMask - tagBase:                     "Storage Status Mask",
	TagSymmetricKey - tagBase:                          "Symmetric Key",
	TagTemplate - tagBase:                              "Template",
	TagTemplateAttribute - tagBase:                     "Template-Attribute",
	TagTimeStamp - tagBase:                             "Time Stamp",
	TagUniqueBatchItemID - tagBase:                     "Unique Batch Item ID",
	TagUniqueIdentifier - tagBase:                      "Unique Identifier",
	TagUsageLimits - tagBase:                           "Usage Limits",
	TagUsageLimitsCount - tagBase:                      "Usage Limits Count",
	TagUsageLimitsTotal - tagBase:                      "Usage Limits Total",
	TagUsageLimitsUnit - tagBase:                       "Usage Limits Unit",
	TagUsername - tagBase:                              "Username",
	TagValidityDate - tagBase:                          "Validity Date",
	TagValidityIndicator - tagBase:                     "Validity Indicator",
	TagVendorExtension - tagBase:                       "Vendor Extension",
	TagVendorIdentification - tagBase:                  "Vendor Identification",
	TagWrappingMethod - tagBase:                        "Wrapping Method",
	TagX - tagBase:                                     "X",
	TagY - tagBase:                                     "Y",
	TagPassword - tagBase:                              "Password",
	TagDeviceIdentifier - tagBase:                      "Device Identifier",
	TagEncodingOption - tagBase:                        "Encoding Option",
	TagExtensionInformation - tagBase:                  "Extension Information",
	TagExtensionName - tagBase:                         "Extension Name",
	TagExtensionTag - tagBase:                          "Extension Tag",
	TagExtensionType - tagBase:                         "Extension Type",
	TagFresh - tagBase:                                 "Fresh",
	TagMachineIdentifier - tagBase:                     "Machine Identifier",
	TagMediaIdentifier - tagBase:                       "Media Identifier",
	TagNetworkIdentifier - tagBase:                     "Network Identifier",
	TagObjectGroupMember - tagBase:                     "Object Group Member",
	TagCertificateLength - tagBase:                     "Certificate Length",
	TagDigitalSignatureAlgorithm - tagBase:             "Digital Signature Algorithm",
	TagCertificateSerialNumber - tagBase:               "Certificate Serial Number",
	TagDeviceSerialNumber - tagBase:                    "Device Serial Number",
	TagIssuerAlternativeName - tagBase:                 "Issuer Alternative Name",
	TagIssuerDistinguishedName - tagBase:               "Issuer Distinguished Name",
	TagSubjectAlternativeName - tagBase:                "Subject Alternative Name",
	TagSubjectDistinguishedName - tagBase:              "Subject Distinguished Name",
	TagX509CertificateIdentifier - tagBase:             "X.509 Certificate Identifier",
	TagX509CertificateIssuer - tagBase:                 "X.509 Certificate Issuer",
	TagX509CertificateSubject - tagBase:                "X.509 Certificate Subject",
	TagKeyValueLocation - tagBase:                      "Key Value Location",
	TagKeyValueLocationValue - tagBase:                 "Key Value Location Value",
	TagKeyValueLocationType - tagBase:                  "Key Value Location Type",
	TagKeyValuePresent - tagBase:                       "Key Value Present",
	TagOriginalCreationDate - tagBase:                  "Original Creation Date",
	TagPGPKey - tagBase:                                "PGP Key",
	TagPGPKeyVersion - tagBase:                         "PGP Key Version",
	TagAlternativeName - tagBase:                       "Alternative Name",
	TagAlternativeNameValue - tagBase:                  "Alternative Name Value",
	TagAlternativeNameType - tagBase:                   "Alternative Name Type",
	TagData - tagBase:                                  "Data",
	TagSignatureData - tagBase:                         "Signature Data",
	TagDataLength - tagBase:                            "Data Length",
	TagRandomIV - tagBase:                              "Random IV",
	TagMACData - tagBase:                               "MAC Data",
	TagAttestationType - tagBase:                       "Attestation Type",
	TagNonce - tagBase:                                 "Nonce",
	TagNonceID - tagBase:                               "Nonce ID",
	TagNonceValue - tagBase:                            "Nonce Value",
	TagAttestationMeasurement - tagBase:                "Attestation Measurement",
	TagAttestationAssertion - tagBase:                  "Attestation Assertion",
	TagIVLength - tagBase:                              "IV Length",
	TagTagLength - tagBase:                             "Tag Length",
	TagFixedFieldLength - tagBase:                      "Fixed Field Length",
	TagCounterLength - tagBase:                         "Counter Length",
	TagInitialCounterValue - tagBase:                   "Initial Counter Value",
	TagInvocationFieldLength - tagBase:                 "Invocation Field Length",
	TagAttestationCapableIndicator - tagBase:           "Attestation Capable Indicator",
	TagOffsetItems - tagBase:                           "Offset Items",
	TagLocatedItems - tagBase:                          "Located Items",
	TagCorrelationValue - tagBase:                      "Correlation Value",
	TagInitIndicator - tagBase:                         "Init Indicator",
	TagFinalIndicator - tagBase:                        "Final Indicator",
	TagRNGParameters - tagBase:                         "RNG Parameters",
	TagRNGAlgorithm - tagBase:                          "RNG Algorithm",
	TagDRBGAlgorithm - tagBase:                         "DRBG Algorithm",
	TagFIPS186Variation - tagBase:                      "FIPS186 Variation",
	TagPredictionResistance - tagBase:                  "Prediction Resistance",
	TagRandomNumberGenerator - tagBase:                 "Random Number Generator",
	TagValidationInformation - tagBase:                 "Validation Information",
	TagValidationAuthorityType - tagBase:               "Validation Authority Type",
	TagValidationAuthorityCountry - tagBase:            "Validation Authority Country",
	TagValidationAuthorityURI - tagBase:                "Validation Authority URI",
	TagValidationVersionMajor - tagBase:                "Validation Version Major",
	TagValidationVersionMinor - tagBase:                "Validation Version Minor",
	TagValidationType - tagBase:                        "Validation Type",
	TagValidationLevel - tagBase:                       "Validation Level",
	TagValidationCertificateIdentifier - tagBase:       "Validation Certificate Identifier",
	TagValidationCertificateURI - tagBase:              "Validation Certificate URI",
	TagValidationVendorURI - tagBase:                   "Validation Vendor URI",
	TagValidationProfile - tagBase:                     "Validation Profile",
	TagProfileInformation - tagBase:                    "Profile Information",
	TagProfileName - tagBase:                           "Profile Name",
	TagServerURI - tagBase:                             "Server URI",
	TagServerPort - tagBase:                            "Server Port",
	TagStreamingCapability - tagBase:                   "Streaming Capability",
	TagAsynchronousCapability - tagBase:                "Asynchronous Capability",
	TagAttestationCapability - tagBase:                 "Attestation Capability",
	TagUnwrapMode - tagBase:                            "Unwrap Mode",
	TagDestroyAction - tagBase:                         "Destroy Action",
	TagShreddingAlgorithm - tagBase:                    "Shredding Algorithm",
	TagRNGMode - tagBase:                               "RNG Mode",
	TagClientRegistrationMethod - tagBase:              "Client Registration Method",
	TagCapabilityInformation - tagBase:                 "Capability Information",
	TagKeyWrapType - tagBase:                           "Key Wrap Type",
	TagBatchUndoCapability - tagBase:                   "Batch Undo Capability",
	TagBatchContinueCapability - tagBase:               "Batch Continue Capability",
	TagPKCS12FriendlyName - tagBase:                    "Pkcs#12 Friendly Name",
	TagDescription - tagBase:                           "Description",
	TagComment - tagBase:                               "Comment",
	TagAuthenticatedEncryptionAdditionalData - tagBase: "Authenticated Encryption Additional Data",
	TagAuthenticatedEncryptionTag - tagBase:            "Authenticated Encryption Tag",
	TagSaltLength - tagBase:                            "Salt Length",
	TagMaskGenerator - tagBase:                         "Mask Generator",
	TagMaskGeneratorHashingAlgorithm - tagBase:         "Mask Generator Hashing Algorithm",
	TagPSource - tagBase:                               "P Source",
	TagTrailerField - tagBase:                          "Trailer Field",
	TagClientCorrelationValue - tagBase:                "Client Correlation Value",
	TagServerCorrelationValue - tagBase:                "Server Correlation Value",
	TagDigestedData - tagBase:                          "Digested Data",
	TagCertificateSubjectCn - tagBase:                  "Certificate Subject CN",
	TagCertificateSubjectO - tagBase:                   "Certificate Subject O",
	TagCertificateSubjectOu - tagBase:                  "Certificate Subject OU",
	TagCertificateSubjectEmail - tagBase:               "Certificate Subject Email",
	TagCertificateSubjectC - tagBase:                   "Certificate Subject C",
	TagCertificateSubjectSt - tagBase:                  "Certificate Subject ST",
	TagCertificateSubjectL - tagBase:                   "Certificate Subject L",
	TagCertificateSubjectUid - tagBase:                 "Certificate Subject UID",
	TagCertificateSubjectSerialNumber - tagBase:        "Certificate Subject Serial Number",
	TagCertificateSubjectTitle - tagBase:               "Certificate Subject Title",
	TagCertificateSubjectDc - tagBase:                  "Certificate Subject DC",
	TagCertificateSubjectDnQualifier - tagBase:         "Certificate Subject DN Qualifier",
	TagCertificateIssuerCn - tagBase:                   "Certificate Issuer CN",
	TagCertificateIssuerO - tagBase:                    "Certificate Issuer O",
	TagCertificateIssuerOu - tagBase:                   "Certificate Issuer OU",
	TagCertificateIssuerEmail - tagBase:                "Certificate Issuer Email",
	TagCertificateIssuerC - tagBase:                    "Certificate Issuer C",
	TagCertificateIssuerSt - tagBase:                   "Certificate Issuer ST",
	TagCertificateIssuerL - tagBase:                    "Certificate Issuer L",
	TagCertificateIssuerUid - tagBase:                  "Certificate Issuer UID",
	TagCertificateIssuerSerialNumber - tagBase:         "Certificate Issuer Serial Number",
	TagCertificateIssuerTitle - tagBase:                "Certificate Issuer Title",
	TagCertificateIssuerDc - tagBase:                   "Certificate Issuer DC",
	TagCertificateIssuerDnQualifier - tagBase:          "Certificate Issuer DN Qualifier",
	TagSensitive - tagBase:                             "Sensitive",
	TagAlwaysSensitive - tagBase:                       "Always Sensitive",
	TagExtractable - tagBase:                           "Extractable",
	TagNeverExtractable - tagBase:                      "Never Extractable",
	TagReplaceExisting - tagBase:                       "Replace Existing",
	TagAttributes - tagBase:                            "Attributes",
	TagCommonAttributes - tagBase:                      "Common Attributes",
	TagPrivateKeyAttributes - tagBase:                  "Private Key Attributes",
	TagPublicKeyAttributes - tagBase:                   "Public Key Attributes",
	TagExtensionEnumeration - tagBase:                  "Extension Enumeration",
	TagExtensionAttribute - tagBase:                    "Extension Attribute",
	TagExtensionParentStructureTag - tagBase:           "Extension Parent Structure Tag",
	TagExtensionDescription - tagBase:                  "Extension Description",
	TagServerName - tagBase:                            "Server Name",
	TagServerSerialNumber - tagBase:                    "Server Serial Number",
	TagServerVersion - tagBase:                         "Server Version",
	TagServerLoad - tagBase:                            "Server Load",
	TagProductName - tagBase:                           "Product Name",
	TagBuildLevel - tagBase:                            "Build Level",
	TagBuildDate - tagBase:                             "Build Date",
	TagClusterInfo - tagBase:                           "Cluster Info",
	TagAlternateFailoverEndpoints - tagBase:            "Alternate Failover Endpoints",
	TagShortUniqueIdentifier - tagBase:                 "Short Unique Identifier",
	TagTag - tagBase:                                   "Tag",
	TagCertificateRequestUniqueIdentifier - tagBase:    "Certificate Request Unique Identifier",
	TagNISTKeyType - tagBase:                           "NIST Key Type",
	TagAttributeReference - tagBase:                    "Attribute Reference",
	TagCurrentAttribute - tagBase:                      "Current Attribute",
	TagNewAttribute - tagBase:                          "New Attribute",
	TagCertificateRequestValue - tagBase:               "Certificate Request Value",
	TagLogMessage - tagBase:                            "Log Message",
	TagProfileVersion - tagBase:                        "Profile Version",
	TagProfileVersionMajor - tagBase:                   "Profile Version Major",
	TagProfileVersionMinor - tagBase:                   "Profile Version Minor",
	TagProtectionLevel - tagBase:                       "Protection Level",
	TagProtectionPeriod - tagBase:                      "Protection Period",
	TagQuantumSafe - tagBase:                           "Quantum Safe",
	TagQuantumSafeCapability - tagBase:                 "Quantum Safe Capability",
	TagTicket - tagBase:                                "Ticket",
	TagTicketType - tagBase:                            "Ticket Type",
	TagTicketValue - tagBase:                           "Ticket Value",
	TagRequestCount - tagBase:                          "Request Count",
	TagRights - tagBase:                                "Rights",
	TagObjects - tagBase:                               "Objects",
	TagOperations - tagBase:                            "Operations",
	TagRight - tagBase:                                 "Right",
	TagEndpointRole - tagBase:                          "Endpoint Role",
	TagDefaultsInformation - tagBase:                   "Defaults Information",
	TagObjectDefaults - tagBase:                        "Object Defaults",
	TagEphemeral - tagBase:                             "Ephemeral",
	TagServerHashedPassword - tagBase:                  "Server Hashed Password",
	TagOneTimePassword - tagBase:                       "One Time Password",
	TagHashedPassword - tagBase:                        "Hashed Password",
	TagAdjustmentType - tagBase:                        "Adjustment Type",
	TagPKCS11Interface - tagBase:                       "PKCS#11 Interface",
	TagPKCS11Function - tagBase:                        "PKCS#11 Function",
	TagPKCS11InputParameters - tagBase:                 "PKCS#11 Input Parameters",
	TagPKCS11OutputParameters - tagBase:                "PKCS#11 Output Parameters",
	TagPKCS11ReturnCode - tagBase:                      "PKCS#11 Return Code",
	TagProtectionStorageMask - tagBase:                 "Protection Storage Mask",
	TagProtectionStorageMasks - tagBase:                "Protection Storage Masks",
	TagInteropFunction - tagBase:                       "Interop Function",
	TagInteropIdentifier - tagBase:                     "Interop Identifier",
	TagAdjustmentValue - tagBase:                       "Adjustment Value",
	TagCommonProtectionStorageMasks - tagBase:          "Common Protection Storage Masks",
	TagPrivateProtectionStorageMasks - tagBase:         "Private Protection Storage Masks",
	TagPublicProtectionStorageMasks - tagBase:          "Public Protection Storage Masks",
	TagObjectGroups - tagBase:                          "Object Groups",
	TagObjectTypes - tagBase:                           "Object Types",
	TagConstraints - tagBase:                           "Constraints",
	TagConstraint - tagBase:                            "Constraint",
	TagRotateInterval - tagBase:                        "Rotate Interval",
	TagRotateAutomatic - tagBase:                       "Rotate Automatic",
	TagRotateOffset - tagBase:                          "Rotate Offset",
	TagRotateDate - tagBase:                            "Rotate Date",
	TagRotateGeneration - tagBase:                      "Rotate Generation",
	TagRotateName - tagBase:                            "Rotate Name",
	TagRotateNameValue - tagBase:                       "Rotate Name Value",
	TagRotateNameType - tagBase:                        "Rotate Name Type",
	TagRotateLatest - tagBase:                          "Rotate Latest",
	TagAsynchronousRequest - tagBase:                   "Asynchronous Request",
	TagSubmissionDate - tagBase:                        "Submission Date",
	TagProcessingStage - tagBase:                       "Processing Stage",
	TagAsynchronousCorrelationValues - tagBase:         "Asynchronous Correlation Values",
}

const tagBase = 0x420000

// NameOfTag returns the specification's name of a tag, or its number.
func NameOfTag(t ttlv.Tag) string {
	if t >= tagBase && int(t-tagBase) < len(tagNames) && tagNames[t-tagBase] != "" {
		return tagNames[t-tagBase]
	}
	return t.String()
}
